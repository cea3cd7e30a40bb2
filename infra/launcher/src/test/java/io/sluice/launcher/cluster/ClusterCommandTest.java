package io.sluice.launcher.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.clusters.ClusterFiles;
import io.sluice.clusters.PlacementFiles;
import io.sluice.launcher.Main;
import io.sluice.launcher.stack.StackFolder;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

final class ClusterCommandTest {
    private static final Path EXAMPLES = StackFolder.repository().resolve("examples");
    private static final String HELIX = EXAMPLES.resolve("helix").toString();

    @TempDir
    Path temp;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void shouldImportAPublishedClusterThatChecksAsCorrect() {
        Path file = temp.resolve("geo24.yaml");
        assertThat(run("cluster", "import", HELIX, "--cluster", "geo24", "--out", file.toString()))
                .isZero();
        assertThat(out.toString()).contains("24 nodes, models [llama1_30b, llama2_70b]");
        assertThat(ClusterFiles.read(file).cluster().nodes()).hasSize(24);
        assertThat(run("cluster", "check", file.toString())).isZero();
        assertThat(out.toString())
                .contains("cluster geo24: 24 machines")
                .contains("A100")
                .contains("model llama2_70b: 80 layers of 1530 MB")
                .contains("geo24.yaml: correct")
                .doesNotContain("warning");
    }

    @Test
    void shouldImportAPublishedPlacement() {
        Path file = temp.resolve("separate.json");
        assertThat(run(
                        "cluster",
                        "import",
                        HELIX,
                        "--cluster",
                        "single24",
                        "--model",
                        "llama2_70b",
                        "--layout",
                        "separate",
                        "--out",
                        file.toString()))
                .isZero();
        assertThat(PlacementFiles.read(file).stages()).hasSize(24);
    }

    @Test
    void shouldExitWithTwoWhenOnlyHalfOfAPlacementIsNamed() {
        assertThat(run("cluster", "import", HELIX, "--cluster", "single24", "--layout", "helix", "--out", "x"))
                .isEqualTo(2);
        assertThat(err.toString()).contains("--model and --layout belong together");
    }

    @Test
    void shouldNameTheClustersThereAre() {
        assertThat(run("cluster", "import", HELIX, "--cluster", "single25", "--out", "x"))
                .isEqualTo(1);
        assertThat(err.toString().lines()).hasSize(1);
        assertThat(err.toString()).contains("no cluster 'single25'").contains("single24");
    }

    @ParameterizedTest
    @ValueSource(strings = {"one-region.yaml", "two-sites.yaml"})
    void shouldCheckTheExamples(String example) {
        assertThat(run(
                        "cluster",
                        "check",
                        EXAMPLES.resolve("clusters").resolve(example).toString()))
                .isZero();
        assertThat(out.toString()).contains(example + ": correct");
    }

    @Test
    void shouldSayFileAndLineOfEveryProblem() throws Exception {
        Path file = Files.writeString(
                temp.resolve("mine.yaml"),
                """
                cluster: mine
                nodes:
                  - {id: a, gpu: L4, memory: 16 GX}
                link: {}
                """);
        assertThat(run("cluster", "check", file.toString())).isEqualTo(1);
        assertThat(err.toString())
                .contains("mine.yaml:1: needs the key 'links'")
                .contains("mine.yaml:3: nodes[0].memory: '16 GX' is not a size; write for example 16GB")
                .contains("mine.yaml:4: unknown key 'link'; did you mean 'links'?");
    }

    @Test
    void shouldPrintTheSchemas() throws Exception {
        assertThat(run("cluster", "schema")).isZero();
        assertThat(new ObjectMapper().readTree(out.toString()).path("$defs").has("machine"))
                .isTrue();
        out.getBuffer().setLength(0);
        assertThat(run("cluster", "schema", "--placement")).isZero();
        assertThat(new ObjectMapper().readTree(out.toString()).path("$defs").has("stage"))
                .isTrue();
    }

    private int run(String... args) {
        CommandLine line = Main.commandLine();
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        return line.execute(args);
    }
}
