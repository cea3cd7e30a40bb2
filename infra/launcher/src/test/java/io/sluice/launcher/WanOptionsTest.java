package io.sluice.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.embedded.WanShape;
import io.sluice.launcher.stack.StackConfig;
import io.sluice.runtime.ActivationChoice;
import io.sluice.runtime.ActivationDtype;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

final class WanOptionsTest {
    @TempDir
    Path data;

    private StackConfig parse(String... args) {
        StackOptions options = new StackOptions();
        new CommandLine(options).parseArgs(args);
        return options.config();
    }

    @Test
    void shouldPutWorkersAtSitesOfTheirOwn() {
        StackConfig config = parse("--wan", "80ms,100mbit", "--data", data.toString());
        assertThat(config.wan()).contains(WanShape.of(80, 100));
        assertThat(config.relayed()).isTrue();
        assertThat(config.activations()).isEqualTo(ActivationChoice.AUTO);
    }

    @Test
    void shouldKeepEverythingOnOneMachineUnlessAsked() {
        StackConfig config = parse("--activations", "int8", "--data", data.toString());
        assertThat(config.wan()).isEmpty();
        assertThat(config.relayed()).isFalse();
        assertThat(config.activations()).isEqualTo(ActivationDtype.INT8_BLOCK);
    }

    @Test
    void shouldNameTheValueAndTheRemedy() {
        assertThat(refused("demo", "--wan", "fast")).contains("'fast'").contains("--wan 80ms,100mbit");
        assertThat(refused("up", "--activations", "int4")).contains("'int4'").contains("auto, fp16, fp32 or int8");
    }

    private static String refused(String... args) {
        StringWriter err = new StringWriter();
        CommandLine line = Main.commandLine();
        line.setErr(new PrintWriter(err, true));
        assertThat(line.execute(args)).isEqualTo(2);
        return err.toString();
    }
}
