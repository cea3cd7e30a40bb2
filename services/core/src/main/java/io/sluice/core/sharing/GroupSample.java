package io.sluice.core.sharing;

import java.util.Objects;
import java.util.OptionalDouble;

/**
 * What a kernel group did on pools of one size in an interval, while there was no latency-critical work, as reported: nothing is
 * checked here, see {@link SampleJudge}. Immutable.
 *
 * @param lanes of the pool
 * @param units work done
 * @param runNanos time that its slices ran
 * @param joules energy above idle that they took; empty: not known
 */
public record GroupSample(KernelGroup group, int lanes, double units, double runNanos, OptionalDouble joules) {
    public GroupSample {
        Objects.requireNonNull(group, "group");
        Objects.requireNonNull(joules, "joules");
    }
}
