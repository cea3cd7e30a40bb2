package io.sluice.launcher.bench.recovery;

import java.util.SplittableRandom;

/**
 * Which stages are lost at which step: a pure function of seed, step and stage, so that every way of recovering meets
 * the same losses at the same steps. Immutable.
 *
 * @param seed of one generation
 * @param rate probability that a given stage is lost at a given step, 0 to 1
 */
public record FailureDraws(long seed, double rate) {
    private static final long STEP_GAMMA = 0x9e3779b97f4a7c15L;
    private static final long STAGE_GAMMA = 0xd1b54a32d192ed03L;

    public FailureDraws {
        if (!(rate >= 0 && rate <= 1)) {
            throw new IllegalArgumentException("a failure rate of " + rate + " must be 0 to 1");
        }
    }

    /** @param step steps begun by the generation so far, those in vain included */
    boolean strikes(long step, int stage) {
        // Two draws apart: neighbouring seeds of a SplittableRandom begin alike in their first bits only by chance.
        SplittableRandom random = new SplittableRandom(seed ^ step * STEP_GAMMA ^ (stage + 1) * STAGE_GAMMA);
        random.nextLong();
        return random.nextDouble() < rate;
    }
}
