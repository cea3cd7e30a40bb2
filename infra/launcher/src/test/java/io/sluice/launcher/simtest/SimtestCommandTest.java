package io.sluice.launcher.simtest;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.launcher.Main;
import io.sluice.simtest.SimTest;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

final class SimtestCommandTest {
    @TempDir
    Path temp;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        CommandLine line = Main.commandLine();
        line.setOut(new PrintWriter(out));
        line.setErr(new PrintWriter(err));
        return line.execute(args);
    }

    @Test
    void shouldReportWhatItRanAndFoundAsTableAndJson() throws IOException {
        Path file = temp.resolve("report.json");

        assertThat(run("simtest", "--seeds", "2", "--first-seed", "7", "--steps", "3000", "--json", file.toString()))
                .isZero();
        assertThat(out.toString())
                .contains("2 from 7 on")
                .contains("worker crash")
                .contains("none");
        JsonNode json = new ObjectMapper().readTree(file.toFile());
        assertThat(json.get("seeds").asInt()).isEqualTo(2);
        assertThat(json.get("steps").asLong()).isGreaterThan(6_000);
        assertThat(json.get("violations")).isEmpty();
        assertThat(json.get("faults").isObject()).isTrue();
        assertThat(json.get("completed").asLong()).isPositive();
        assertThat(json.get("stepsPerSecond").asDouble()).isPositive();
        assertThat(json.get("machine").get("cores").asInt()).isPositive();
    }

    @Test
    void shouldExitWithOneAndSayHowToReplayWhenAnInvariantIsBroken() {
        assertThat(run("simtest", "--seeds", "3", "--steps", "20000", "--mutate", "kv-leak"))
                .isEqualTo(1);
        assertThat(out.toString())
                .contains("VIOLATION seed ")
                .contains("replay: sluice simtest --first-seed ")
                .contains("--seeds 1 --steps 20000 --mutate kv-leak");
    }

    @Test
    void shouldExitWithTwoOnAMutationThatDoesNotExist() {
        assertThat(run("simtest", "--mutate", "luggage")).isEqualTo(2);
        assertThat(err.toString()).contains("mutation 'luggage'").contains("no-fencing");
    }

    @Test
    void shouldFillTheBarAsSeedsEnd() {
        assertThat(SimtestProgress.line(new SimTest.Progress(50, 100, 1, 10)))
                .isEqualTo("[###############...............] 50/100 seeds, 1 violations, 10 s left");
    }
}
