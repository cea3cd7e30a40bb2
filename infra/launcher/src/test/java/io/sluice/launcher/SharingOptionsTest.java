package io.sluice.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.launcher.stack.StackConfig;
import io.sluice.planner.SharingPolicy;
import io.sluice.worker.sharing.SharingSettings;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

final class SharingOptionsTest {
    @TempDir
    Path data;

    private static SharingSettings parse(String... args) {
        SharingOptions options = new SharingOptions();
        new CommandLine(options).parseArgs(args);
        return options.settings();
    }

    @Test
    void shouldTakeBestEffortWorkUnlessToldNotTo() {
        assertThat(parse()).isEqualTo(SharingSettings.DEFAULT);
        assertThat(parse("--no-best-effort")).isEqualTo(SharingSettings.OFF);
        assertThat(parse("--best-effort", "--slowdown", "0.2", "--best-effort-kv-share", "0.25"))
                .isEqualTo(new SharingSettings(true, 0.2, 0.25, SharingSettings.DEFAULT_TARGET));
    }

    @Test
    void shouldAskAWorkerProcessForTheSame() {
        List<SharingSettings> all = List.of(
                SharingSettings.DEFAULT,
                SharingSettings.OFF,
                new SharingSettings(true, 0.05, 0.125, 0.02),
                new SharingSettings(false, 1.5, 1, 0.5, 0.25));
        for (SharingSettings settings : all) {
            assertThat(parse(SharingOptions.arguments(settings).toArray(String[]::new)))
                    .isEqualTo(settings);
        }
    }

    @Test
    void shouldBringTheFlagsOfAStackToItsWorkers() {
        StackOptions options = new StackOptions();
        new CommandLine(options).parseArgs("--no-best-effort", "--slowdown", "0.3", "--data", data.toString());
        StackConfig config = options.config();
        assertThat(config.sharing()).isEqualTo(new SharingSettings(false, 0.3, 0.5, 0.01));
    }

    @Test
    void shouldBringTheFlagsOfAStackToItsPlanner() {
        StackOptions options = new StackOptions();
        new CommandLine(options)
                .parseArgs(
                        "--slowdown",
                        "0.3",
                        "--sharing-target",
                        "0.02",
                        "--limits-lease",
                        "5s",
                        "--data",
                        data.toString());
        assertThat(options.config().limits()).contains(new SharingPolicy(0.3, 0.02, Duration.ofSeconds(5)));
        StackOptions none = new StackOptions();
        new CommandLine(none).parseArgs("--no-sharing", "--data", data.toString());
        assertThat(none.config().limits()).isEmpty();
        StackOptions usual = new StackOptions();
        new CommandLine(usual).parseArgs("--data", data.toString());
        assertThat(usual.config().limits()).contains(SharingPolicy.DEFAULT);
    }

    @Test
    void shouldNameTheValueAndTheRemedy() {
        StringWriter err = new StringWriter();
        CommandLine line = Main.commandLine();
        line.setErr(new PrintWriter(err, true));
        String[] args = {
            "worker", "--id", "w", "--model", ".", "--bootstrap", "a:1", "--registry", "http://a:1", "--slowdown", "-1"
        };
        int code = line.execute(args);
        assertThat(code).isNotZero();
        assertThat(err.toString()).contains("--slowdown is -1.0").contains("above 0");
    }
}
