package io.sluice.core.sharing;

import static io.sluice.core.sharing.PooledDevice.UNIT_NANOS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Slices on pools between latency-critical requests that come at random, and tenants that do not keep to their bounds. */
class PooledDeviceTest {
    private static final long TIME = 60_000_000_000L;

    private static GateSettings device(int lanes, double holdFactor) {
        return new GateSettings(1, false, 1, 100_000, 4, holdFactor, 60_000_000_000L, 8_000_000, 6_400_000)
                .withSideLanes(lanes);
    }

    @ParameterizedTest
    @CsvSource({"1, 2, 0", "2, 2, 1", "3, 2, 2", "4, 3, 0", "5, 4, 2", "6, 4, 4"})
    void shouldLetLatencyCriticalWorkWaitForNoSliceOnAPool(long seed, int lanes, int beside) {
        PooledDevice device = new PooledDevice(device(lanes, 50), seed).limits(1, beside);
        for (int i = 0; i < 4; i++) {
            device.tenant("t" + i, true, UNIT_NANOS, false);
        }
        device.run(TIME, 0.3);
        assertThat(device.pooledStarts).isGreaterThan(1_000);
        assertThat(device.ranIntoCritical).as("slices that ran into it").isGreaterThan(100);
        assertThat(device.longestWaitNanos).isZero();
        GateCounters counters = device.gate.counters(device.now);
        assertThat(counters.causedWaitNanos()).isZero();
        assertThat(counters.drains()).isZero();
        assertThat(counters.overruns()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"1, 2", "2, 2", "3, 3", "4, 4"})
    void shouldBeFairToTenantsOnPoolsAndOnTheWholeDeviceBesideLatencyCriticalWork(long seed, int lanes) {
        PooledDevice device = new PooledDevice(device(lanes, 50), seed)
                .limits(1, 0)
                .tenant("a", true, UNIT_NANOS, false)
                .tenant("b", true, UNIT_NANOS / 2, false)
                .tenant("c", false, UNIT_NANOS, false)
                .tenant("d", false, UNIT_NANOS / 2, false)
                .run(TIME, 0.3);
        assertThat(device.longestWaitNanos)
                .as("one unit of a slice on all of the device")
                .isBetween(1L, UNIT_NANOS);
        double c = device.share("c", TIME);
        assertThat(c).as("two on pools leave lanes idle where there are more").isGreaterThan(lanes == 2 ? 0.13 : 0.09);
        for (String tenant : new String[] {"a", "b", "d"}) {
            assertThat(device.share(tenant, TIME)).as(tenant).isCloseTo(c, within(0.02));
        }
    }

    @ParameterizedTest
    @CsvSource({"1, false, 0", "2, false, 0.3", "3, true, 0", "4, true, 0.3"})
    void shouldLetAHostileTenantOnAPoolBeBeyondItsBoundForAPartOfTheTimeOnly(long seed, boolean renames, double load) {
        PooledDevice device = new PooledDevice(device(2, 50), seed)
                .limits(1, 0)
                .tenant("hostile", true, 100 * PooledDevice.BOUND_NANOS, renames)
                .tenant("honest", true, UNIT_NANOS, false)
                .tenant("whole", false, UNIT_NANOS, false)
                .run(TIME, load);
        long longest = 110 * PooledDevice.BOUND_NANOS;
        assertThat(device.overNanos.get("hostile")).isPositive().isLessThan(TIME / 51 + longest);
        assertThat(device.overNanos.keySet()).doesNotContain("honest");
        assertThat(device.share("honest", TIME)).isGreaterThan(load == 0 ? 0.3 : 0.15);
        assertThat(device.share("whole", TIME)).isGreaterThan(load == 0 ? 0.3 : 0.15);
    }
}
