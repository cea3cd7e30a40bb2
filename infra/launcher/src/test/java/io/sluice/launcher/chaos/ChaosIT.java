package io.sluice.launcher.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.launcher.stack.Progress;
import io.sluice.worker.device.DeviceSpec;
import java.nio.file.Path;
import java.util.EnumSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A minute of killed and stopped workers, and of a killed batch service, under load: every request and every item of an
 * offline job ends once, with the text of the undisturbed run.
 */
@Tag("long")
final class ChaosIT {
    private static final long SEED = 3;

    @TempDir
    Path data;

    @Test
    void shouldKeepEveryPromiseWhileWorkersAndTheBatchServiceAreKilledAndStopped() throws Exception {
        FaultSchedule.Rule rule = new FaultSchedule.Rule(
                0.75, 6, EnumSet.of(FaultKind.KILL, FaultKind.STOP, FaultKind.BATCHER), ChaosStack.workers(), true);
        ChaosRun.Setting setting =
                new ChaosRun.Setting(rule, SEED, 1.5, 32, 8, 180, DeviceSpec.parse("emulated:a100"), data);

        ChaosReport report = new ChaosRun(setting, Progress.on(System.out), System.out).run();
        report.print(System.out);

        Verdict verdict = report.verdict();
        assertThat(verdict.holds()).as("%s", verdict).isTrue();
        assertThat(verdict.completed())
                .as("%s", verdict)
                .isEqualTo(verdict.accepted())
                .isPositive();
        JobVerdict jobs = report.jobs();
        assertThat(jobs.holds()).as("%s", jobs).isTrue();
        assertThat(jobs.done() + jobs.failed()).as("%s", jobs).isEqualTo(8);
        assertThat((Long) report.toJson().get("faults")).isPositive();
    }
}
