package io.sluice.clusters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PlacementFilesTest {
    private static final String GOOD =
            """
            {
              "cluster": "lab",
              "model": "m",
              "method": "helix",
              "stages": [
                {"worker": "t4-1", "first_layer": 0, "end_layer": 6},
                {"worker": "t4-2", "first_layer": 6, "end_layer": 12}
              ]
            }
            """;

    @TempDir
    Path temp;

    @ParameterizedTest
    @CsvSource({"single24,llama2_70b,helix", "geo24,llama2_70b,separate", "geo24,llama1_30b,petals"})
    void shouldReadWhatItWrote(String cluster, String model, String method) {
        PlacementFile published = HelixFolder.open(Examples.helix()).layout(cluster, model, method);
        Path file = temp.resolve("p.json");
        PlacementFiles.write(published, file);
        assertThat(PlacementFiles.read(file)).isEqualTo(published);
    }

    @Test
    void shouldReadJsonIndentedWithTabs() throws IOException {
        assertThat(read(GOOD.replace("  ", "\t")).stages()).hasSize(2);
        assertThat(read(GOOD.replaceAll("\\s", "")).stages()).hasSize(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "\"t4-2\"; \"T4 2\"; p.json:7: stages[1].worker: 'T4 2' is not a worker id of 1 to 64",
                "\"t4-2\"; \"t4-1\"; p.json:7: stages[1].worker: 't4-1' is placed twice",
                "\"end_layer\": 12; \"end_layer\": 6; p.json:7: stages[1].end_layer: '6' must be above first_layer 6",
                "\"end_layer\": 12; \"end_layer\": 1.5; p.json:7: stages[1].end_layer: '1.5' is not a layer number; write for",
                "\"end_layer\": 12; \"end\": 12; p.json:7: stages[1]: unknown key 'end'; known here: worker, first_layer",
                "\"end_layer\": 12; \"end_layr\": 12; p.json:7: stages[1]: unknown key 'end_layr'; did you mean 'end_layer'?",
                "\"end_layer\": 12; \"group\": \"a\"; p.json:7: stages[1]: needs the key 'end_layer': first layer not held",
                "\"model\": \"m\"; \"model\": 7; p.json:3: model: '7' is not a name",
                "\"end_layer\": 12; \"end_layer\": 1e300; p.json:7: stages[1].end_layer: '1e300' is not a layer number",
            })
    void shouldNameFileLineFieldAndValue(String good, String bad, String message) {
        assertThatThrownBy(() -> read(GOOD.replace(good, bad)))
                .isInstanceOf(ClusterFileException.class)
                .hasMessageContaining(message);
    }

    @Test
    void shouldSayThatAFileIsNoJson() {
        assertThatThrownBy(() -> read("{\n\"a\": [}\n}")).hasMessageContaining("p.json:2: is not JSON");
        assertThatThrownBy(() -> read("")).hasMessageContaining("p.json:1: the file is empty");
        assertThatThrownBy(() -> read("[]")).hasMessageContaining("p.json:1: a list is not a Sluice placement");
        assertThatThrownBy(() -> PlacementFiles.read(temp.resolve("none.json")))
                .hasMessageContaining("none.json: does not exist");
    }

    private PlacementFile read(String text) throws IOException {
        return PlacementFiles.read(Files.writeString(temp.resolve("p.json"), text));
    }
}
