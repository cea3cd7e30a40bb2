package io.sluice.launcher.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.launcher.chaos.Resources.Held;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ResourcesTest {
    private static final int MIB = 1 << 20;

    @Test
    void shouldTakeSmallGrowthForBackAndALeakForALeak() {
        Resources before = new Resources(
                Map.of("stack", new Held(400L * MIB, 100, 300), "w1a", new Held(200L * MIB, 30, 90)), 20, 100);
        Resources after = new Resources(
                Map.of("stack", new Held(500L * MIB, 110, 310), "w1a", new Held(210L * MIB, 90, 95)), 21, 150);

        assertThat(before.compare(after))
                .filteredOn(line -> !line.back())
                .extracting(Resources.Line::what)
                .containsExactly("workers threads", "topics");
    }

    @Test
    void shouldLookAtTheWorkersTogether() {
        Resources six = new Resources(
                Map.of("w1a", new Held(200L * MIB, 30, 90), "w1b", new Held(200L * MIB, 30, 90)), 20, 100);

        assertThat(six.compare(six))
                .filteredOn(line -> line.what().equals("workers memory"))
                .singleElement()
                .extracting(Resources.Line::before)
                .isEqualTo(400.0);
    }
}
