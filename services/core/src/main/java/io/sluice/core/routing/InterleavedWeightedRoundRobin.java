package io.sluice.core.routing;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Splits work over the out-links of one vertex in proportion to their weights: link {@code v} carries load
 * {@code l_v}, work {@code n} goes to {@code argmin(l_v + n / w_v)}, the first index wins a tie, then
 * {@code l_v += n / w_v} (Helix, ASPLOS'25, section 5.2). Without masks no link is ahead of link {@code u} by more than
 * one piece of work on {@code u}: {@code l_v <= l_u + n_max / w_u}.
 *
 * <p>Deviation from Helix: there, a link that was masked for a while (its worker's KV cache full) keeps its old load
 * and afterwards gets everything until it has caught up, which fills that worker again at once. Here a link that is
 * masked while another one is charged is raised to the charged link's load, so that it resumes its share without
 * catching up.
 *
 * <p>Weights are in tokens per second and work in tokens, so loads are in seconds. Not thread-safe. A choice costs
 * {@code O(links log links)}.
 */
public final class InterleavedWeightedRoundRobin {
    /** Loads are shifted down beyond this, so that no precision is lost however long the router runs. */
    private static final double REBASE_SECONDS = 1e6;

    private final double[] weights;
    private final double[] loads;

    /** @param weights one per link, each positive and finite */
    public InterleavedWeightedRoundRobin(double... weights) {
        this.weights = weights.clone();
        this.loads = new double[weights.length];
        for (double weight : weights) {
            if (!(weight > 0) || Double.isInfinite(weight)) {
                throw new IllegalArgumentException("weight " + weight + " of a link must be positive and finite");
            }
        }
    }

    public int size() {
        return weights.length;
    }

    /** Link indices from the best choice to the worst for {@code work}; changes nothing. */
    public int[] order(double work) {
        checkWork(work);
        return IntStream.range(0, weights.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer link) -> loads[link] + work / weights[link]))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** Picks the best link for {@code work}, charges it and returns its index. */
    public int next(double work) {
        int link = order(work)[0];
        charge(link, work, new BitSet());
        return link;
    }

    /**
     * Puts {@code work} on a link.
     *
     * @param masked links that could not be chosen this time; they do not fall behind
     */
    public void charge(int link, double work, BitSet masked) {
        checkWork(work);
        double before = loads[link];
        masked.stream().filter(other -> other != link).forEach(other -> loads[other] = Math.max(loads[other], before));
        loads[link] += work / weights[link];
        double least = Arrays.stream(loads).min().orElse(0);
        if (least > REBASE_SECONDS) {
            Arrays.setAll(loads, i -> loads[i] - least);
        }
    }

    /** Work by which the link is ahead of the link that is furthest behind, tokens. */
    public double surplus(int link) {
        return (loads[link] - Arrays.stream(loads).min().orElse(0)) * weights[link];
    }

    /** Starts the link with work it is ahead by, for a split that goes on after its weights have changed. */
    public void carry(int link, double surplus) {
        loads[link] += surplus / weights[link];
    }

    /** Load of the link, seconds; only differences between links mean anything. */
    public double load(int link) {
        return loads[link];
    }

    private static void checkWork(double work) {
        if (!(work > 0) || Double.isInfinite(work)) {
            throw new IllegalArgumentException("work " + work + " must be positive and finite");
        }
    }
}
