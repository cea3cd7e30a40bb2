package io.sluice.core.sharing;

/**
 * Whose turn it is among tenants that share something by weight: start-time fair queueing (Goyal, Vin and Cheng,
 * SIGCOMM'96). A piece of work has a start tag, the greater of virtual time and the finish tag of its tenant's last piece;
 * the least start tag goes first, virtual time is that of the piece that started last, and a finish tag is the start tag
 * plus cost over weight. So tenants that always have work get shares as their weights, and one that had none for a while
 * has saved nothing up. Costs are in any one unit. Not thread-safe.
 */
public final class FairTurns {
    private double virtualTime;

    /** What one tenant has had. */
    public static final class Account {
        private double finishTag;

        /** What was started cost this much more, or less where negative, than was charged. */
        public void correct(double difference, double weight) {
            finishTag = Math.max(0, finishTag) + difference / weight;
        }
    }

    /** Start tag of the tenant's next piece; the least among those that have work goes first. */
    public double startTag(Account account) {
        return Math.max(account.finishTag, virtualTime);
    }

    /** Whether forgetting the tenant would change nothing: it is owed nothing and owes nothing. */
    public boolean isEven(Account account) {
        return account.finishTag <= virtualTime;
    }

    /**
     * The tenant's next piece starts.
     *
     * @param cost not negative
     * @param weight see {@link #weight}
     */
    public void started(Account account, double cost, double weight) {
        virtualTime = startTag(account);
        account.finishTag = virtualTime + cost / weight;
    }

    /**
     * Checks a weight.
     *
     * @throws IllegalArgumentException when it is not from 0.000001 to 1000000
     */
    public static double weight(String what, double value) {
        return Shares.weight(what, value);
    }
}
