package io.sluice.launcher;

import io.sluice.core.sharing.StepObjective;
import io.sluice.worker.sharing.SharingSettings;
import java.util.List;
import picocli.CommandLine.Option;

/** Flags of how workers share their devices between interactive and best-effort work. */
public final class SharingOptions {
    @Option(
            names = "--best-effort",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description =
                    "Whether workers take best-effort work, which runs where interactive work leaves a device idle"
                            + " and the planner's limits allow it; default: ${DEFAULT-VALUE}.")
    private boolean bestEffort = true;

    @Option(
            names = "--slowdown",
            paramLabel = "RATIO",
            defaultValue = "" + StepObjective.DEFAULT_SLOWDOWN,
            description = "An interactive step counts as missed where best-effort work made it longer by more than this"
                    + " share; default: ${DEFAULT-VALUE}.")
    private double slowdown = StepObjective.DEFAULT_SLOWDOWN;

    @Option(
            names = "--slo-slowdown",
            paramLabel = "RATIO",
            defaultValue = "" + StepObjective.DEFAULT_SLO_SLOWDOWN,
            description = "The most by which best-effort work may make an interactive step longer whose request has"
                    + " objectives (slo) that allow it, whatever they allow; default: ${DEFAULT-VALUE}, twice as long.")
    private double sloSlowdown = StepObjective.DEFAULT_SLO_SLOWDOWN;

    @Option(
            names = "--sharing-target",
            paramLabel = "RATIO",
            defaultValue = "" + SharingSettings.DEFAULT_TARGET,
            description = "Share of interactive steps that may be missed; default: ${DEFAULT-VALUE}.")
    private double target = SharingSettings.DEFAULT_TARGET;

    @Option(
            names = "--best-effort-kv-share",
            paramLabel = "RATIO",
            defaultValue = "" + SharingSettings.DEFAULT_KV_SHARE,
            description = "Most of a worker's KV cache that best-effort sessions hold together; default:"
                    + " ${DEFAULT-VALUE}.")
    private double kvShare = SharingSettings.DEFAULT_KV_SHARE;

    @Option(
            names = "--best-effort-cores",
            paramLabel = "N",
            defaultValue = "0",
            description =
                    "Cores of a worker on which best-effort work may run beside interactive steps, one batch on each,"
                            + " where that is measured to pay; with 0 it runs in the gaps only. With all cores of the process,"
                            + " two or more, batches of different tenants may also run on a core each in lulls, where"
                            + " that is measured to pay. The weights of the layers and the head are in memory twice then."
                            + " For --device cpu; default: ${DEFAULT-VALUE}.")
    private int cores;

    /** What these flags ask for. */
    public SharingSettings settings() {
        return new SharingSettings(bestEffort, slowdown, kvShare, target, sloSlowdown, cores);
    }

    /** The flags that ask a worker process for {@code settings}. */
    public static List<String> arguments(SharingSettings settings) {
        return List.of(
                settings.enabled() ? "--best-effort" : "--no-best-effort",
                "--slowdown",
                Double.toString(settings.slowdown()),
                "--sharing-target",
                Double.toString(settings.target()),
                "--best-effort-kv-share",
                Double.toString(settings.kvShare()),
                "--slo-slowdown",
                Double.toString(settings.sloSlowdown()),
                "--best-effort-cores",
                Integer.toString(settings.cores()));
    }
}
