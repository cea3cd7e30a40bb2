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

/** Two published models on one published cluster, as a user would ask for them. */
class SharedPlanTest {
    @TempDir
    Path temp;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        CommandLine line = Main.commandLine();
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        return line.execute(args);
    }

    private String imported(String cluster) {
        Path examples = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(examples.resolve("examples/helix"))) {
            examples = examples.getParent();
        }
        Path file = temp.resolve(cluster + ".yaml");
        String folder = examples.resolve("examples/helix").toString();
        assertThat(run("cluster", "import", folder, "--cluster", cluster, "--out", file.toString()))
                .as(err.toString())
                .isZero();
        return file.toString();
    }

    @Test
    void shouldPlanTwoModelsByWeight() throws Exception {
        String cluster = imported("single24");
        Path json = temp.resolve("plan.json");
        Path svg = temp.resolve("plan.svg");
        Path placement = temp.resolve("placement.json");
        int planned = run(
                "plan",
                cluster,
                "--model",
                "llama1_30b=3",
                "--model",
                "llama2_70b=1",
                "--objective",
                "flow",
                "--time-limit",
                "4s",
                "--json",
                json.toString(),
                "--svg",
                svg.toString(),
                "--out",
                placement.toString());
        assertThat(planned).as(err.toString()).isZero();
        assertThat(out.toString()).contains("2 models on single24 together").contains("lambda");
        JsonNode report = new ObjectMapper().readTree(json.toFile());
        double lambda = report.get("lambda_tokens_per_s").asDouble();
        assertThat(lambda).isPositive();
        assertThat(report.get("models")).hasSize(2);
        for (JsonNode model : report.get("models")) {
            double carried = model.get("concurrent_flow_tokens_per_s").asDouble();
            assertThat(carried)
                    .isGreaterThan(0.999 * lambda * model.get("weight").asDouble());
        }
        assertThat(temp.resolve("plan-llama1_30b.svg")).exists();
        assertThat(temp.resolve("plan-llama2_70b.svg")).exists();
        assertThat(temp.resolve("placement-llama2_70b.json")).exists();
    }

    @Test
    void shouldRefuseWeightsThatAreNone() {
        String cluster = imported("single24");
        assertThat(run("plan", cluster, "--model", "llama1_30b=-1", "--model", "llama2_70b"))
                .isNotZero();
        assertThat(err.toString()).contains("--model llama1_30b=-1: the weight must be a positive number");
    }

    @Test
    void shouldNameAPlanOfEachModel() {
        assertThat(SharedPlan.file(Path.of("a/plan.svg"), "m/7b")).isEqualTo(Path.of("a/plan-m_7b.svg"));
        assertThat(SharedPlan.file(Path.of("plan"), "m")).isEqualTo(Path.of("plan-m"));
    }
}
