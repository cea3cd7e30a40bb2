package io.sluice.launcher.bench;

import io.sluice.launcher.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Best-effort work beside latency-critical work on a simulated GPU: Sluice's policy against Tally (Zhao et al., ASPLOS'25)
 * and others in the same runs, the pools of ECLIP (ISLPED 2025), the solvers behind the limits, and the gates that hold the
 * simulation against published measurements; and, really measured, interactive requests on this machine's cores beside a
 * batch, in the gaps only, on a core of its own as well, or two tenants' on a core each. Only these last parts start stacks; in the others the same seeds
 * give the same figures, times apart.
 */
final class SharingBench implements Bench {
    private static final List<String> SIMULATED =
            List.of("pairs", "loads", "lulls", "steps", "pools", "solvers", "gates");
    private static final List<String> MEASURED = List.of("cpu", "cores", "groups");
    private static final List<String> PARTS =
            Stream.concat(SIMULATED.stream(), MEASURED.stream()).toList();

    /** Something that adds rows. */
    private interface Part {
        void run() throws IOException, InterruptedException;
    }

    @Override
    public void run(Setting setting, BenchReport report) throws IOException, InterruptedException {
        for (String part : setting.parts()) {
            if (!PARTS.contains(part)) {
                throw new UserException("--part " + part + " must be one of " + PARTS);
            }
        }
        if (setting.svg() != null
                && !Files.isDirectory(setting.svg().toAbsolutePath().getParent())) {
            throw new UserException(
                    "--svg " + setting.svg() + " cannot be written: its folder does not exist; create it");
        }
        SharingRuns runs = new SharingRuns(setting);
        if (SIMULATED.stream().anyMatch(setting::wants)) {
            report.note("the parts " + SIMULATED + " are simulated (services/sharing), but for the times of"
                    + " sharing.resolve, which are measured here; device A100-40GB, pools MI50; seeds "
                    + List.of(runs.seeds())
                    + ", steps more; baseline: Tally in the same simulator and run, unless a note says otherwise; the"
                    + " gates say how far the simulator agrees with hardware");
        }
        Map<String, Part> parts = Map.of(
                "pairs", () -> new SharingPairsPart(runs, report).run(),
                "loads", () -> new SharingLoadsPart(runs, report).loads(),
                "lulls", () -> new SharingLoadsPart(runs, report).lulls(),
                "steps", () -> new SharingStepsPart(runs, report).run(),
                "pools", () -> new SharingPoolsPart(runs, report).run(),
                "solvers", () -> new SharingSolversPart(runs, report).run(),
                "gates", () -> new SharingGatesPart(runs, report).run(),
                "cpu", () -> new SharingCpuPart(setting, report).run(),
                "cores", () -> new SharingCoresPart(setting, report).run(),
                "groups", () -> new SharingGroupsPart(setting, report).run());
        for (String part : PARTS) {
            if (setting.wants(part)) {
                guarded(part, report, parts.get(part));
            }
        }
    }

    /** One part that fails must not take the figures of the others with it. */
    private static void guarded(String name, BenchReport report, Part part) throws IOException, InterruptedException {
        try {
            part.run();
        } catch (IllegalStateException | IllegalArgumentException e) {
            report.note(name + " failed and is missing: " + e.getMessage());
        }
    }
}
