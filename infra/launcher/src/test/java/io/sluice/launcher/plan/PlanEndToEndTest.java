package io.sluice.launcher.plan;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.launcher.Main;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Import, plan, explain and simulate, as a user would, on a published cluster of ten machines. */
class PlanEndToEndTest {
    private static final String MODEL = "llama1_30b";

    @TempDir
    Path temp;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        CommandLine line = Main.commandLine();
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        return line.execute(args);
    }

    private static String example(String path) {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.exists(at.resolve("examples").resolve(path))) {
                return at.resolve("examples").resolve(path).toString();
            }
        }
        throw new IllegalStateException("examples/" + path + " is in no folder above");
    }

    private String imported() {
        Path file = temp.resolve("quality10.yaml");
        assertThat(run("cluster", "import", example("helix"), "--cluster", "quality10", "--out", file.toString()))
                .as(err.toString())
                .isZero();
        return file.toString();
    }

    @Test
    void shouldImportPlanExplainAndSimulate() throws Exception {
        String cluster = imported();
        Path placement = temp.resolve("placement.json");
        Path plan = temp.resolve("plan.json");
        Path picture = temp.resolve("plan.svg");
        int planned = run(
                "plan",
                cluster,
                "--model",
                MODEL,
                "--objective",
                "flow",
                "--time-limit",
                "5s",
                "--gap",
                "1%",
                "--out",
                placement.toString(),
                "--json",
                plan.toString(),
                "--svg",
                picture.toString());
        assertThat(planned).as(err.toString()).isZero();
        assertThat(out.toString())
                .contains(MODEL + " on quality10")
                .contains("region 0")
                .contains("flow  ")
                .contains("estimate  ")
                .contains("bottleneck")
                .contains("one more");
        JsonNode report = new ObjectMapper().readTree(plan.toFile());
        assertThat(report.get("flow_tokens_per_s").asDouble()).isPositive();
        assertThat(report.get("bound").asDouble())
                .isGreaterThanOrEqualTo(report.get("flow_tokens_per_s").asDouble() * (1 - 1e-9));
        assertThat(report.get("nodes")).hasSize(10);
        assertThat(Files.readString(picture)).startsWith("<svg").contains("t4-0");

        assertThat(run(
                        "plan",
                        "explain",
                        cluster,
                        "--model",
                        MODEL,
                        "--placement",
                        placement.toString(),
                        "--node",
                        "l4-4"))
                .as(err.toString())
                .isZero();
        assertThat(out.toString()).contains("l4-4 (L4, region 0)").contains("tokens/s it can carry");

        Path simulated = temp.resolve("simulated.json");
        assertThat(run(
                        "simulate",
                        cluster,
                        "--model",
                        MODEL,
                        "--placement",
                        placement.toString(),
                        "--trace",
                        example("helix/traces/azure_conv_lengths.csv"),
                        "--policy",
                        "sluice,helix",
                        "--warm-up",
                        "5s",
                        "--window",
                        "30s",
                        "--json",
                        simulated.toString(),
                        "--svg",
                        temp.resolve("latency.svg").toString()))
                .as(err.toString())
                .isZero();
        assertThat(out.toString()).contains("decode throughput").contains("simulated s per second");
        JsonNode runs = new ObjectMapper().readTree(simulated.toFile()).get("runs");
        assertThat(runs).hasSize(2);
        for (JsonNode run : runs) {
            assertThat(run.get("decode_throughput").asDouble()).isPositive();
            assertThat(run.get("prompt_latency_s").get("p99").asDouble())
                    .isGreaterThanOrEqualTo(
                            run.get("prompt_latency_s").get("p50").asDouble());
            assertThat(run.get("decode_latency_s").get("mean").asDouble()).isPositive();
        }
        assertThat(Files.readString(temp.resolve("latency.svg"))).contains("<path");
    }

    @Test
    void shouldListMethodsAndObjectives() {
        assertThat(run("plan", "--methods")).isZero();
        assertThat(out.toString()).contains("milp").contains("petals").contains("serving");
    }

    @Test
    void shouldKeepWhatTheOwnerAsks() throws Exception {
        String cluster = imported();
        Path json = temp.resolve("plan.json");
        assertThat(run(
                        "plan",
                        cluster,
                        "--model",
                        MODEL,
                        "--time-limit",
                        "3s",
                        "--empty",
                        "t4-0",
                        "--pin",
                        "l4-4=0-8",
                        "--json",
                        json.toString()))
                .as(err.toString())
                .isZero();
        for (JsonNode node : new ObjectMapper().readTree(json.toFile()).get("nodes")) {
            if (node.get("node").asText().equals("t4-0")) {
                assertThat(node.get("end_layer").asInt()).isZero();
            }
            if (node.get("node").asText().equals("l4-4")) {
                assertThat(node.get("first_layer").asInt()).isZero();
                assertThat(node.get("end_layer").asInt()).isEqualTo(8);
            }
        }
    }

    @Test
    void shouldSayInOneSentenceWhyNothingServes() {
        String cluster = imported();
        assertThat(run("plan", cluster, "--model", MODEL, "--max-hops", "2")).isEqualTo(1);
        assertThat(err.toString().lines()).hasSize(1);
        assertThat(err.toString()).contains("2").contains("hops");
        assertThat(run("plan", cluster, "--model", MODEL, "--allowed-regions", "mars"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("[mars]");
        assertThat(run("plan", cluster, "--model", "gpt")).isEqualTo(1);
        assertThat(err.toString()).contains("'gpt'").contains(MODEL);
        assertThat(run("plan", cluster, "--model", MODEL, "--pin", "nobody=0-4"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("nobody");
    }

    @Test
    void shouldExitWithTwoOnWrongUsage() {
        assertThat(run("plan")).isEqualTo(2);
        assertThat(run("plan", "c.yaml")).isEqualTo(2);
        assertThat(run("plan", "c.yaml", "--model", "m", "--method", "guess")).isEqualTo(2);
        assertThat(err.toString()).contains("guess").contains("milp");
        assertThat(run("plan", "c.yaml", "--model", "m", "--gap", "lots")).isEqualTo(2);
        assertThat(run(
                        "simulate",
                        "c.yaml",
                        "--model",
                        "m",
                        "--placement",
                        "p",
                        "--trace",
                        "t",
                        "--mode",
                        "offline",
                        "--rate",
                        "5"))
                .isEqualTo(2);
    }

    @Test
    void shouldNameAFileThatIsNotThere() {
        assertThat(run("plan", temp.resolve("none.yaml").toString(), "--model", "m"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("none.yaml");
    }
}
