package io.sluice.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

final class MainTest {
    @TempDir
    Path temp;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @ParameterizedTest
    @MethodSource("commands")
    void shouldExplainEveryCommand(String command) {
        assertThat(run(command, "--help")).isZero();
        assertThat(out.toString()).contains("Usage: sluice " + command);
    }

    static List<String> commands() {
        return List.copyOf(Main.commandLine().getSubcommands().keySet());
    }

    @ParameterizedTest
    @MethodSource("commands")
    void shouldExitWithTwoAndUsageOnAnUnknownFlag(String command) {
        assertThat(run(command, "--qqqqqq")).isEqualTo(2);
        assertThat(err.toString()).contains("Usage: sluice " + command);
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void shouldExitWithTwoWithoutACommand() {
        assertThat(run()).isEqualTo(2);
        assertThat(err.toString()).contains("Missing a command").contains("Usage: sluice");
    }

    @Test
    void shouldSayInOneLineThatNoStackRuns() {
        assertThat(run("ask", "hello", "--data", temp.toString())).isEqualTo(1);
        assertThat(err.toString().lines()).hasSize(1);
        assertThat(err.toString()).contains("no stack runs in " + temp).contains("./sluice up");
    }

    @Test
    void shouldSayThatNoStackRunsWhoeverAsks() {
        assertThat(run("drain", "w", "--data", temp.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("no stack runs in " + temp);
    }

    @Test
    void shouldWantTheModelWhereNoStackTellsIt() {
        assertThat(run("ask", "hello", "--bootstrap", "127.0.0.1:1", "--registry", "http://127.0.0.1:1"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("give --model NAME");
    }

    @ParameterizedTest
    @ValueSource(strings = {"drain", "ask"})
    void shouldWantBothAddressesOrNone(String command) {
        assertThat(run(command, "w", "--bootstrap", "127.0.0.1:1")).isEqualTo(2);
        assertThat(err.toString()).contains("--registry");
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "127.0.0.1:x", ":9092"})
    void shouldRejectAMalformedBootstrap(String bootstrap) {
        assertThat(run("ask", "hello", "--model", "m", "--bootstrap", bootstrap, "--registry", "http://127.0.0.1:1"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("--bootstrap '" + bootstrap + "'");
    }

    @Test
    void shouldNameAModelThatDoesNotExist() {
        assertThat(run("up", "--model", temp.resolve("none").toString(), "--data", temp.toString()))
                .isEqualTo(1);
        assertThat(err.toString().lines()).hasSize(1);
        assertThat(err.toString()).contains("none does not exist").contains("--model");
    }

    @Test
    void shouldPrintTheTopicsForPeopleAndPrograms() throws Exception {
        Path json = temp.resolve("topics.json");
        assertThat(run("topics", "--json", json.toString())).isZero();
        assertThat(out.toString()).contains("sluice.inference.requests.v1").contains("sluice.activations.<worker>.v1");
        assertThat(Files.readString(json)).contains("\"subject\" : \"sluice.activations.v1-value\"");
    }

    @Test
    void shouldPrintVersions() {
        assertThat(run("version")).isZero();
        assertThat(out.toString()).contains("sluice").contains("kafka    4.");
    }

    private int run(String... args) {
        CommandLine line = Main.commandLine();
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        return line.execute(args);
    }
}
