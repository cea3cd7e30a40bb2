package io.sluice.launcher.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.launcher.Main;
import io.sluice.launcher.UserException;
import io.sluice.sharing.gates.GateCheck;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class SharingBenchTest {
    @TempDir
    Path temp;

    private Bench.Setting setting(String... parts) {
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
        return new Bench.Setting(temp, 1, true, List.of(parts), null, nowhere);
    }

    @ParameterizedTest
    @CsvSource({"0.04,0.01,true", "0.06,0.10,false"})
    void shouldJudgeAValueWhateverItsBaseline(double value, double baseline, boolean met) {
        BenchReport.Row row = new BenchReport.Row("r", "part", value, baseline, "value <= 0.05");
        assertThat(row.met()).isEqualTo(met);
        assertThat(row.ratio()).isEqualTo(value / baseline);
    }

    @Test
    void shouldHoldAGateOnlyWhenAllItsChecksHold() {
        BenchReport report = new BenchReport("sharing");
        SharingGatesPart.rows(
                List.of(
                        new GateCheck("V2", "one", true, 1, 1, 0.5, 1.5),
                        new GateCheck("V1", "two", true, 1, 1, 0.5, 1.5),
                        new GateCheck("V2", "three", false, 2, Double.NaN, Double.NEGATIVE_INFINITY, 1.5)),
                report);
        assertThat(report.rows())
                .extracting(BenchReport.Row::name)
                .containsExactly("sharing.gate.V1", "sharing.gate.V2");
        assertThat(report.rows()).extracting(BenchReport.Row::value).containsExactly(1.0, 1.0);
        assertThat(report.rows()).extracting(BenchReport.Row::ratio).containsExactly(1.0, 0.5);
        assertThat(report.rows()).extracting(BenchReport.Row::met).containsExactly(true, false);
        assertThat(report.rows().get(0).note()).isNull();
        assertThat(report.toJson().get("notes").toString()).contains("gates: 2 of 3 checks hold");
    }

    @Test
    void shouldSayOfEveryCheckThatDoesNotHoldWhy() {
        BenchReport report = new BenchReport("sharing");
        SharingGatesPart.rows(
                List.of(
                        new GateCheck("V2", "one", true, 2, 1, 0.5, 1.5, "nobody published it."),
                        new GateCheck("V2", "two", false, 2, Double.NaN, Double.NEGATIVE_INFINITY, 1.5),
                        new GateCheck("V2", "three", true, 1, 1, 0.5, 1.5, "held all the same.")),
                report);
        String note = "not: one (held out) 2.00, published 1.00, holds from 0.500 to 1.50; why: nobody published it.\n"
                + "not: two (calibrated) 2.00, holds from any to 1.50; why: not known";
        assertThat(report.rows().get(0).note()).isEqualTo(note);
        JsonNode json = new ObjectMapper().valueToTree(report.toJson());
        assertThat(json.get("rows").get(0).get("note").asText()).isEqualTo(note);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        report.print(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        assertThat(bytes.toString(StandardCharsets.UTF_8)).contains("NOT met").contains("    not: one (held out)");
    }

    @Test
    void shouldEqualAllChoicesInEverySmallCase() {
        assertThat(SharingSolversPart.poolsEqual()).isEqualTo(500);
        assertThat(SharingSolversPart.knapsacksEqual()).isEqualTo(500);
    }

    @Test
    void shouldGiveTheSameFiguresForTheSameSeeds() throws Exception {
        List<List<BenchReport.Row>> seen = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            BenchReport report = new BenchReport("sharing");
            new SharingBench().run(setting("lulls"), report);
            seen.add(report.rows());
        }
        assertThat(seen.get(0)).isEqualTo(seen.get(1));
        assertThat(seen.get(0))
                .extracting(BenchReport.Row::name)
                .contains("sharing.lulls.p99_overhead.mean", "sharing.lulls.best_effort_throughput.mean");
        assertThat(seen.get(0)).allSatisfy(row -> assertThat(row.value()).isFinite());
    }

    @Test
    void shouldWriteRowsAndNotesForPrograms() throws Exception {
        BenchReport pools = new BenchReport("sharing");
        new SharingBench().run(setting("pools"), pools);
        JsonNode report = new ObjectMapper().valueToTree(pools.toJson());
        assertThat(report.get("notes").get(0).asText()).contains("simulated").contains("seeds [1]");
        assertThat(report.get("machine").has("cpu")).isTrue();
        List<String> names = report.get("rows").findValuesAsText("name");
        assertThat(names)
                .contains("sharing.pools.throughput.mean", "sharing.pools.energy.mean", "sharing.pools.mix7.switches");
        JsonNode mean = report.get("rows").get(names.indexOf("sharing.pools.throughput.mean"));
        assertThat(mean.get("target").asText()).isEqualTo(">= 1.13");
        assertThat(mean.get("met").asBoolean()).isEqualTo(mean.get("value").asDouble() >= 1.13);
    }

    @Test
    void shouldNameThePartsWhenOneIsUnknown() {
        assertThatThrownBy(() -> new SharingBench().run(setting("everything"), new BenchReport("sharing")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("--part everything")
                .hasMessageContaining("pairs, loads, lulls");
        StringWriter err = new StringWriter();
        CommandLine line = Main.commandLine().setErr(new PrintWriter(err));
        assertThat(line.execute("bench", "sharing", "--part", "everything")).isEqualTo(1);
        assertThat(err.toString()).contains("--part everything must be one of [pairs, ");
    }

    @Test
    void shouldSayBeforeItRunsThatThePictureHasNoFolder() {
        Path svg = temp.resolve("none").resolve("p.svg");
        Bench.Setting asked = new Bench.Setting(temp, 1, true, List.of("pools"), svg, System.out);
        BenchReport report = new BenchReport("sharing");
        assertThatThrownBy(() -> new SharingBench().run(asked, report))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("--svg " + svg)
                .hasMessageContaining("create it");
        assertThat(report.rows()).isEmpty();
    }
}
