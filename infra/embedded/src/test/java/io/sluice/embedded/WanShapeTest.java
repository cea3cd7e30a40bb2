package io.sluice.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

final class WanShapeTest {
    @Test
    void shouldReadRoundTripAndRate() {
        WanShape shape = WanShape.parse("80ms,100mbit");
        assertThat(shape).isEqualTo(WanShape.of(80, 100));
        assertThat(shape.crossingNanos()).isEqualTo(20_000_000);
        assertThat(shape.bytesPerSecond()).isEqualTo(12.5e6);
    }

    @Test
    void shouldReadEverythingInAnyOrder() {
        WanShape shape = WanShape.parse(" loss=0.1%, 2.5Gbit ,20ms,jitter=500us");
        assertThat(shape).isEqualTo(new WanShape(20_000_000, 2.5e9, 500_000, 0.001));
        assertThat(WanShape.parse(shape.toString())).isEqualTo(shape);
        assertThat(shape).hasToString("20ms,2500mbit,jitter=0.5ms,loss=0.1%");
    }

    @Test
    void shouldTakeARoundTripAlone() {
        assertThat(WanShape.parse("0ms")).isEqualTo(new WanShape(0, 0, 0, 0)).hasToString("0ms");
        assertThat(WanShape.parse("1s").roundTripNanos()).isEqualTo(1_000_000_000);
    }

    @Test
    void shouldNameWhatIsWrongAndAnExample() {
        for (String[] each : List.of(
                new String[] {"80", "'80' is neither"},
                new String[] {"100mbit", "round-trip time is missing"},
                new String[] {"80ms,20ms", "'20ms'"},
                new String[] {"80ms,100mbps", "'100mbps'"},
                new String[] {"80ms,jitter=5", "'jitter=5' needs a time"},
                new String[] {"80ms,loss=little", "'loss=little' needs a part"},
                new String[] {"", "''"})) {
            assertThatThrownBy(() -> WanShape.parse(each[0]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(each[1])
                    .hasMessageContaining("80ms,100mbit");
        }
    }

    @Test
    void shouldRefuseWhatCannotBe() {
        assertThatThrownBy(() -> WanShape.parse("80ms,1kbit")).hasMessageContaining("8kbit to 1000gbit");
        assertThatThrownBy(() -> WanShape.parse("90s")).hasMessageContaining("0 to 60 s");
        assertThatThrownBy(() -> WanShape.parse("80ms,loss=60%")).hasMessageContaining("0 % to 50 %");
    }
}
