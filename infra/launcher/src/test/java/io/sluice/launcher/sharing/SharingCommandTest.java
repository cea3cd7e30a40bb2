package io.sluice.launcher.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.launcher.Main;
import io.sluice.sharing.SharingScenario.Traffic;
import io.sluice.sharing.policy.SharingPolicies;
import io.sluice.sharing.workload.Jobs;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

final class SharingCommandTest {
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

    private JsonNode compared(String file, String... more) throws IOException {
        List<String> args = new ArrayList<>(
                List.of("sharing", "compare", "--json", temp.resolve(file).toString()));
        args.addAll(List.of(more));
        assertThat(run(args.toArray(String[]::new))).as("%s", err).isZero();
        return new ObjectMapper().readTree(temp.resolve(file).toFile());
    }

    @Test
    void shouldGiveTheSameComparisonTwiceForTheSameSeeds() throws IOException {
        String[] asked = {"--policies", "tally,sluice", "--pair", "bert/whisper", "--seconds", "2", "--seeds", "2"};
        JsonNode json = compared("first.json", asked);
        String firstTable = out.toString();
        out.getBuffer().setLength(0);
        compared("second.json", asked);

        assertThat(temp.resolve("second.json")).hasSameTextualContentAs(temp.resolve("first.json"));
        assertThat(out).hasToString(firstTable);
        assertThat(json.get("policies")).hasSize(2);
        assertThat(json.get("policies").get(1).get("requests").asInt()).isGreaterThan(300);
        assertThat(json.get("policies").get(1).get("best_effort_throughput").asDouble())
                .isBetween(0.1, 1.0);
    }

    @Test
    void shouldWriteEveryFieldThatTheHelpNames() throws IOException {
        JsonNode json = compared("fields.json", "--policies", "tally", "--seconds", "0.5", "--seeds", "2");
        run("sharing", "compare", "--help");
        String help = out.toString().replaceAll("\\s+", " ");
        assertThat(help).doesNotContain("%n").contains("at 95 %");
        help = help.substring(help.indexOf("JSON: "), help.indexOf("Intervals are"));
        List<String> fields = new ArrayList<>();
        json.fieldNames().forEachRemaining(fields::add);
        json.get("policies").get(0).fieldNames().forEachRemaining(fields::add);
        assertThat(fields).hasSize(30);
        for (String field : fields) {
            assertThat(help).containsPattern("\\b" + field + "\\b");
        }
        assertThat(json.get("simulated").asBoolean()).isTrue();
        assertThat(json.get("seeds")).hasSize(2);
        JsonNode interval = json.get("policies").get(0).get("service_p99_interval_ms");
        double p99 = json.get("policies").get(0).get("service_p99_ms").asDouble();
        assertThat(p99).isBetween(interval.get(0).asDouble(), interval.get(1).asDouble());
    }

    @Test
    void shouldGiveNoResponseTailOfAnOverloadedServer() throws Exception {
        Path svg = temp.resolve("plot.svg");
        JsonNode json = compared(
                "overloaded.json",
                "--policies",
                "none,time-slicing",
                "--pair",
                "bert/resnet50-train",
                "--traffic",
                "constant",
                "--seconds",
                "1",
                "--seeds",
                "1",
                "--svg",
                svg.toString());
        JsonNode alone = json.get("policies").get(0);
        JsonNode sliced = json.get("policies").get(1);
        assertThat(alone.get("overloaded").asBoolean()).isFalse();
        assertThat(alone.get("response_p99_ms").asDouble()).isPositive();
        assertThat(sliced.get("overloaded").asBoolean()).isTrue();
        assertThat(sliced.get("response_p99_ms").isNull()).isTrue();
        assertThat(sliced.get("best_effort_interval").isNull()).isTrue();
        assertThat(sliced.get("service_p99_ms").asDouble()).isGreaterThan(10);
        assertThat(out.toString()).contains("overloaded (1.").contains("one seed");
        assertThat(DocumentBuilderFactory.newInstance()
                        .newDocumentBuilder()
                        .parse(svg.toFile())
                        .getDocumentElement()
                        .getTextContent())
                .contains("overloaded, not shown: time-slicing")
                .contains("none");
    }

    @Test
    void shouldMeasureAServerThatOnlyServesWhatCameBefore() throws IOException {
        String[] asked = {"--policies", "none,mps-priority", "--load", "1.5", "--seconds", "0.3", "--seeds", "1"};
        JsonNode json = compared("behind.json", asked);
        for (JsonNode policy : json.get("policies")) {
            assertThat(policy.get("overloaded").asBoolean()).isTrue();
            assertThat(policy.get("service_p99_ms").asDouble()).isGreaterThan(4);
            assertThat(policy.get("response_p99_ms").isNull()).isTrue();
        }
        assertThat(json.get("policies").get(0).get("service_p99_overhead").asDouble())
                .isZero();
    }

    @Test
    void shouldSayThatTheTimeIsTooShortForAnyRequest() {
        String[] asked = {"sharing", "compare", "--pair", "llama-2-7b/whisper", "--seconds", "0.5", "--warm-up", "0"};
        assertThat(run(asked)).isEqualTo(1);
        assertThat(err.toString().lines()).hasSize(1);
        assertThat(err.toString())
                .contains("no request of llama-2-7b ends in the measured 0.5 s even alone")
                .contains("measure longer");
    }

    @Test
    void shouldNotSlowTheServerAloneByJobsThatDoNotRun() throws IOException {
        String[] asked = {"--policies", "none", "--pair", "bert/whisper+pointnet", "--seconds", "0.3", "--seeds", "1"};
        assertThat(compared("alone.json", asked)
                        .get("policies")
                        .get(0)
                        .get("service_p50_ms")
                        .asDouble())
                .isBetween(4.0, 4.1);
    }

    @Test
    void shouldDescribeEveryNameInOneLine() throws IOException {
        Path file = temp.resolve("names.json");
        assertThat(run("sharing", "list", "--json", file.toString())).isZero();
        List<String> names = new ArrayList<>(SharingPolicies.NAMES);
        names.addAll(Jobs.CRITICAL);
        names.addAll(Jobs.BEST_EFFORT);
        names.addAll(Jobs.BATCHES);
        assertThat(names)
                .allSatisfy(name -> assertThat(SharingNames.about(name)).isNotEmpty());
        for (Traffic traffic : Traffic.values()) {
            names.add(SharingNames.name(traffic));
        }
        names.addAll(List.of("a100", "mi50", "mix7"));
        assertThat(names).allSatisfy(name -> assertThat(out.toString()).containsPattern("(?m)^  " + name + " +\\S"));
        JsonNode json = new ObjectMapper().readTree(file.toFile());
        assertThat(json.get("policies").get("tally").asText()).contains("ASPLOS'25");
        assertThat(json.get("latency_critical_jobs").has("bert")).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "--policies, magic, 'choose from none, time-slicing'",
        "--policies, 'tally,tally', names tally twice",
        "--policies, ',', 'names none; choose from none, time-slicing'",
        "--policies, 'all,tally', stands alone",
        "--pair, bert/bert, 'bert is a latency-critical job, which is not shared with itself'",
        "--pair, bert, as in bert/whisper",
        "--pair, bert/, as in bert/whisper",
        "--pair, doom/whisper, no latency-critical job doom; choose one of bert",
        "--pair, bert/whisper+doom, no best-effort job 'doom'; choose from whisper",
        "--traffic, rush, 'choose one of poisson, maf2, step, lulls, constant'",
        "--device, h100, 'choose one of a100, v100, mi50, rtx5090'",
        "--load, 0, above 0 and at most 2",
        "--load, NaN, above 0 and at most 2",
        "--seconds, 0, 0.1 to 3600",
        "--warm-up, -1, 0 to 3600",
        "--seeds, 0, 1 to 1000"
    })
    void shouldNameTheValueAndTheRemedy(String flag, String value, String remedy) {
        assertThat(run("sharing", "compare", flag, value)).isEqualTo(1);
        assertThat(err.toString().lines()).hasSize(1);
        assertThat(err.toString()).contains(flag + " ").contains(remedy);
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void shouldSayThatAFileCannotBeWritten() {
        Path nowhere = temp.resolve("none").resolve("x.json");
        assertThat(Files.exists(nowhere.getParent())).isFalse();
        assertThat(run("sharing", "list", "--json", nowhere.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("--json " + nowhere + " cannot be written");
    }

    @Test
    void shouldExitWithTwoWithoutACommand() {
        assertThat(run("sharing")).isEqualTo(2);
        assertThat(err.toString()).contains("compare, list or status");
    }
}
