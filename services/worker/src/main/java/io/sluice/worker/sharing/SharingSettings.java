package io.sluice.worker.sharing;

import io.sluice.core.sharing.StepObjective;
import io.sluice.runtime.RuntimeOptions;

/**
 * What a worker is told about best-effort work. Immutable.
 *
 * @param enabled whether it takes any
 * @param slowdown by which share best-effort work may make a latency-critical step longer, above 0 and at most 10; see
 *     {@link StepObjective}
 * @param kvShare most of the KV cache that best-effort sessions hold together, above 0 and at most 1
 * @param target share of the latency-critical steps that may miss the objective, in (0, 1)
 * @param sloSlowdown the most by which it may make a step longer whose session has a budget, above 0 and at most 10
 * @param cores cores on which it may run beside latency-critical work, one batch on each; 0: in the gaps only. All cores of the
 *     process: in the gaps, too, batches may run on one core each; beside latency-critical work on all but one
 */
public record SharingSettings(
        boolean enabled, double slowdown, double kvShare, double target, double sloSlowdown, int cores) {
    public static final double DEFAULT_KV_SHARE = 0.5;
    public static final double DEFAULT_TARGET = 0.01;
    /** Best-effort work may make one in a hundred steps more than a tenth longer, in half of the KV cache. */
    public static final SharingSettings DEFAULT =
            new SharingSettings(true, StepObjective.DEFAULT_SLOWDOWN, DEFAULT_KV_SHARE, DEFAULT_TARGET);
    /** No best-effort work. */
    public static final SharingSettings OFF =
            new SharingSettings(false, StepObjective.DEFAULT_SLOWDOWN, DEFAULT_KV_SHARE, DEFAULT_TARGET);

    private static final double MOST_SLOWDOWN = 10;
    private static final String CORES = "--best-effort-cores";

    public SharingSettings {
        require(slowdown > 0 && slowdown <= MOST_SLOWDOWN, "--slowdown", slowdown, "above 0 and at most 10");
        require(kvShare > 0 && kvShare <= 1, "--best-effort-kv-share", kvShare, "above 0 and at most 1");
        require(target > 0 && target < 1, "allowed share of missed steps", target, "above 0 and below 1");
        require(
                sloSlowdown > 0 && sloSlowdown <= MOST_SLOWDOWN,
                "--slo-slowdown",
                sloSlowdown,
                "above 0 and at most 10");
        if (cores < 0 || cores > RuntimeOptions.LANES_MAX) {
            throw new IllegalArgumentException(
                    CORES + " is " + cores + ": it must be 0 (in the gaps only) to " + RuntimeOptions.LANES_MAX);
        }
        if (cores > 0 && !enabled) {
            throw new IllegalArgumentException(
                    CORES + " is " + cores + " with --no-best-effort: leave one of the two away");
        }
    }

    /** The same on so many cores beside latency-critical work. */
    public SharingSettings withCores(int newCores) {
        return new SharingSettings(enabled, slowdown, kvShare, target, sloSlowdown, newCores);
    }

    /**
     * Checks that a process of {@code processCores} cores has so many, and more than one.
     *
     * @throws IllegalArgumentException when it does not
     */
    public void requireCores(int processCores) {
        if (cores > 0 && (cores > processCores || processCores == 1)) {
            throw new IllegalArgumentException(CORES + " is " + cores + ", but this process has " + processCores
                    + (processCores == 1
                            ? " core: leave it away, so that latency-critical work has the core for itself"
                            : " cores: it must be at most " + processCores));
        }
    }

    /** In the gaps only. */
    public SharingSettings(boolean enabled, double slowdown, double kvShare, double target, double sloSlowdown) {
        this(enabled, slowdown, kvShare, target, sloSlowdown, 0);
    }

    /** With the usual bound for steps that have budgets. */
    public SharingSettings(boolean enabled, double slowdown, double kvShare, double target) {
        this(enabled, slowdown, kvShare, target, StepObjective.DEFAULT_SLO_SLOWDOWN);
    }

    /** What a step may lose. */
    public StepObjective objective() {
        return new StepObjective(slowdown, sloSlowdown);
    }

    private static void require(boolean holds, String name, double value, String rule) {
        if (!holds) {
            throw new IllegalArgumentException(name + " is " + value + ": it must be " + rule);
        }
    }
}
