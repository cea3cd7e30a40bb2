package io.sluice.clusters;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class UnitsTest {
    @ParameterizedTest
    @CsvSource({"80GB,80e9", "16GiB,17179869184", "1.5 TB,1.5e12", "512,512", "4096B,4096", "1kB,1000", "1KiB,1024"})
    void shouldReadSizes(String text, double bytes) {
        assertThat(Units.size(text)).contains(bytes);
    }

    @ParameterizedTest
    @CsvSource({
        "10Gbit,1.25e9",
        "10Gbit/s,1.25e9",
        "10Gbps,1.25e9",
        "1.25GB/s,1.25e9",
        "100MiB/s,104857600",
        "0,0",
        "8bit,1"
    })
    void shouldReadRates(String text, double bytesPerSecond) {
        assertThat(Units.rate(text)).contains(bytesPerSecond);
    }

    @ParameterizedTest
    @CsvSource({"40ms,0.04", "200us,0.0002", "200µs,0.0002", "0.1s,0.1", "5ns,5e-9", "2,2"})
    void shouldReadDurations(String text, double seconds) {
        assertThat(Units.duration(text)).contains(seconds);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GB", "1.2.3GB", "-1GB", "16 GX", "16gb", "1e999GB", "NaN", "0x10", "16  GB", "10Gbit"})
    void shouldRefuseWhatIsNoSize(String text) {
        assertThat(Units.size(text)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"10Gb", "10Gb/s", "10GB", "1 parsec", "."})
    void shouldRefuseWhatIsNoRate(String text) {
        assertThat(Units.rate(text)).isEmpty();
    }

    @Test
    void shouldReadExactlyWhatItPrints() {
        Random random = new Random(42);
        for (int i = 0; i < 10_000; i++) {
            double value = Math.exp(random.nextGaussian() * 15);
            assertThat(Units.rate(Units.printRate(value))).contains(value);
            assertThat(Units.size(Units.printSize(value))).contains(value);
            assertThat(Units.duration(Units.printDuration(value))).contains(value);
        }
    }
}
