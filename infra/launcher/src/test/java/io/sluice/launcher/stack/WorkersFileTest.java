package io.sluice.launcher.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.launcher.UserException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class WorkersFileTest {
    @Test
    void shouldReadEveryField() {
        List<WorkerSpec> workers = WorkersFile.parse(
                """
                [{"id": "big", "device": "emulated:a100@2", "memory": "40GiB", "region": "eu", "layers": "0-3",
                  "kv_mib": 64, "max_layers": 4},
                 {"id": "small", "device": "cpu", "layers": "3-6"}]
                """);
        WorkerSpec big = workers.getFirst();
        assertThat(big.id().value()).isEqualTo("big");
        assertThat(big.device().toString()).isEqualTo("emulated:a100@2");
        assertThat(big.memoryBytes()).isEqualTo(OptionalLong.of(40L << 30));
        assertThat(big.region()).isEqualTo("eu");
        assertThat(big.layers()).isEqualTo(Optional.of(new LayerRange(0, 3)));
        assertThat(big.kvMib()).isEqualTo(OptionalInt.of(64));
        assertThat(big.maxLayers()).isEqualTo(OptionalInt.of(4));
        assertThat(workers.getLast().region()).isEqualTo("local");
        assertThat(workers.getLast().kvMib()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{}                                          | must be a JSON list",
                "[]                                          | must be a JSON list",
                "[1]                                         | entry 0 must be an object",
                "[{\"id\": \"a\"}]                           | field 'device' is missing",
                "[{\"device\": \"cpu\"}]                     | field 'id' is missing",
                "[{\"id\": \"A\", \"device\": \"cpu\"}]      | worker id 'A'",
                "[{\"id\": \"a\", \"device\": \"gpu\"}]      | device 'gpu'",
                "[{\"id\": \"a\", \"device\": \"cpu\", \"memory\": \"lots\"}] | size 'lots'",
                "[{\"id\": \"a\", \"device\": \"cpu\", \"layers\": \"3\"}]    | layers '3'",
                "[{\"id\": \"a\", \"device\": \"cpu\", \"kv_mib\": 0}]        | kv_mib 0",
                "[{\"id\": \"a\", \"device\": \"cpu\", \"kv_mib\": \"x\"}]    | whole number of MiB",
                "[{\"id\": \"a\", \"device\": \"cpu\", \"max_layers\": 0}]    | max_layers 0",
                "[{\"id\": \"a\", \"device\": \"cpu\", \"speed\": 1}]         | field 'speed' is not known",
                "[{\"id\": \"a\", \"device\": \"cpu\"}, {\"id\": \"a\", \"device\": \"cpu\"}] | given twice",
                "[{\"id\": \"a\", \"device\": \"cpu\"}, {\"id\": \"b\", \"device\": \"cpu\", "
                        + "\"layers\": \"0-1\"}] | to all of them",
                "[{\"id\": | no valid JSON at line 1",
            })
    void shouldNameWhatIsWrong(String json, String message) {
        assertThatThrownBy(() -> WorkersFile.parse(json))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void shouldNameTheFileThatCannotBeRead() {
        assertThatThrownBy(() -> WorkersFile.read(Path.of("no-such-file.json")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no-such-file.json");
    }

    @Test
    void shouldHaveFourUnlikeDevicesByDefault() {
        assertThat(WorkersFile.defaults())
                .extracting(worker -> worker.device().toString())
                .doesNotHaveDuplicates()
                .hasSize(4);
    }

    @ParameterizedTest
    @CsvSource({"16GiB, 17179869184", "1.5 GB, 1500000000", "4096, 4096", "1kib, 1024"})
    void shouldReadSizes(String text, long bytes) {
        assertThat(DataSize.parseBytes(text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @CsvSource({"0", "-1", "16 XB", "GiB", "''", "99999999999TiB"})
    void shouldRejectSizesThatAreNone(String text) {
        assertThatThrownBy(() -> DataSize.parseBytes(text)).hasMessageContaining("for example 16GiB");
    }
}
