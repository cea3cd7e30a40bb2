package io.sluice.runtime.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.runtime.RuntimeBench;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class OnnxEngineTest {
    @TempDir
    Path folder;

    /** Without the deep stack this process dies of a segmentation fault. */
    @Test
    void shouldStartWithALongCommandLine() throws Exception {
        Path output = folder.resolve("output");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Dignored=" + "x".repeat(20_000),
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        "-Xmx128m",
                        RuntimeBench.class.getName(),
                        "tiny",
                        "1",
                        "1")
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
        assertThat(Files.readString(output)).contains("decode of 8");
        assertThat(process.exitValue()).isZero();
    }

    @Test
    void shouldUnpackTheNativeLibrariesOnceAndReplaceDamagedOnes() throws IOException {
        Path unpacked = NativeLibraries.unpack(folder, "linux-x64");
        Path library = unpacked.resolve("libonnxruntime.so");
        long bytes = Files.size(library);
        assertThat(bytes).isGreaterThan(1 << 20);
        var written = Files.getLastModifiedTime(library);
        assertThat(NativeLibraries.unpack(folder, "linux-x64")).isEqualTo(unpacked);
        assertThat(Files.getLastModifiedTime(library)).isEqualTo(written);
        Files.writeString(library, "damaged");
        NativeLibraries.unpack(folder, "linux-x64");
        assertThat(library).hasSize(bytes);
        assertThat(unpacked.toFile().list()).hasSize(2);
        assertThatThrownBy(() -> NativeLibraries.unpack(folder, "linux-mips")).hasMessageContaining("linux-mips");
    }
}
