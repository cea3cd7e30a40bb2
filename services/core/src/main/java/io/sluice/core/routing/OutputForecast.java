package io.sluice.core.routing;

/**
 * What is known of output lengths: the running mean of the sessions that have ended. A session in flight is on average
 * past its middle, because long ones stay longer, so many sessions are counted with their prompts and three quarters of a
 * mean output each; one that has outgrown that is counted with what it holds ({@link Dispatcher#grow}).
 *
 * <p>Only for stages whose KV cache grows with the session, as those of the simulator do (blocks of a paged cache). A live
 * worker reserves prompt and most output tokens of a session when it begins, so the live router counts sessions with these
 * and has no use for a forecast: where requests ask for more tokens than they get, a simulation of {@code --policy sluice}
 * admits more sessions at once than the live stack would. Not thread-safe.
 */
public final class OutputForecast {
    /** Part of a mean output that a session in flight holds on average: E[X^2] / 2 E[X]^2 of conversations. */
    public static final double HELD_PART = 0.75;

    private final double weightOfPrior;
    private double sum;
    private double count;

    /**
     * @param priorTokens mean output to begin with
     * @param weightOfPrior for how many sessions it counts
     */
    public OutputForecast(double priorTokens, double weightOfPrior) {
        if (!(priorTokens > 0) || !(weightOfPrior > 0)) {
            throw new IllegalArgumentException("a mean output of " + priorTokens + " tokens that counts for "
                    + weightOfPrior + " sessions: both must be positive");
        }
        this.weightOfPrior = weightOfPrior;
        this.sum = priorTokens * weightOfPrior;
        this.count = weightOfPrior;
    }

    /** A session ended with so many tokens. */
    public void ended(int outputTokens) {
        sum += outputTokens;
        count++;
        if (count > 16 * weightOfPrior) { // old sessions fade
            sum /= 2;
            count /= 2;
        }
    }

    /** Mean output, tokens. */
    public double meanTokens() {
        return sum / count;
    }

    /** KV cache to count a session with, tokens. */
    public int kvTokens(int promptTokens) {
        return promptTokens + (int) Math.ceil(HELD_PART * meanTokens());
    }
}
