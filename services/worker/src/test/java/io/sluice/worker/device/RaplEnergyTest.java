package io.sluice.worker.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RaplEnergyTest {
    @TempDir
    Path powercap;

    private void counter(String folder, long micros, long range) throws IOException {
        Path at = Files.createDirectories(powercap.resolve(folder));
        Files.writeString(at.resolve("energy_uj"), micros + "\n");
        Files.writeString(at.resolve("max_energy_range_uj"), range + "\n");
    }

    @Test
    void shouldAddUpThePackagesAndLeaveTheirPartsOut() throws IOException {
        counter("intel-rapl:0", 1_000_000, 10_000_000);
        counter("intel-rapl:1", 5_000_000, 10_000_000);
        counter("intel-rapl:0:0", 1_000_000, 10_000_000);
        RaplEnergy energy = RaplEnergy.of(powercap);
        assertThat(energy.joules().getAsDouble()).isZero();

        counter("intel-rapl:0", 3_000_000, 10_000_000);
        counter("intel-rapl:1", 5_500_000, 10_000_000);
        counter("intel-rapl:0:0", 9_000_000, 10_000_000);
        assertThat(energy.joules().getAsDouble()).isCloseTo(2.5, within(1e-9));
    }

    @Test
    void shouldGoOnWhenACounterWrapsRound() throws IOException {
        counter("intel-rapl:0", 9_000_000, 10_000_000);
        RaplEnergy energy = RaplEnergy.of(powercap);
        counter("intel-rapl:0", 500_000, 10_000_000);
        assertThat(energy.joules().getAsDouble()).isCloseTo(1.5, within(1e-9));
    }

    @Test
    void shouldHaveNoFigureWhereNoneCanBeRead() throws IOException {
        assertThat(RaplEnergy.of(powercap.resolve("nowhere")).joules()).isEmpty();
        counter("intel-rapl:0", 1, 10);
        RaplEnergy energy = RaplEnergy.of(powercap);
        Files.delete(powercap.resolve("intel-rapl:0").resolve("energy_uj"));
        assertThat(energy.joules()).isEmpty();
    }
}
