package io.sluice.worker.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.sharing.GroupPool;
import io.sluice.core.sharing.KernelGroup;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.TenantId;
import io.sluice.records.GroupUse;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class GapPoolsTest {
    private static final TenantId TENANT = new TenantId("t");

    private final GapPools pools = new GapPools(2);

    private static SharingLimits limits(int lanes) {
        return new SharingLimits(
                1, 1, 1, 1, 1, List.of(), 0, List.of(new GroupPool(new KernelGroup(TENANT, "decode"), lanes)));
    }

    @Test
    void shouldPutGroupsOfOneLaneOnPoolsAndCountChanges() {
        pools.limits(limits(1));
        pools.limits(limits(1));
        assertThat(pools.onPool(TENANT, "decode")).isTrue();
        assertThat(pools.onPool(TENANT, "prefill")).isFalse();
        assertThat(pools.switches()).isOne();
        pools.limits(limits(2));
        assertThat(pools.onPool(TENANT, "decode"))
                .as("that is the whole device")
                .isFalse();
        assertThat(pools.switches()).isEqualTo(2);
    }

    @Test
    void shouldHaveNoPoolsWhereTheDeviceCannotBeDivided() {
        GapPools none = new GapPools(0);
        none.limits(limits(1));
        none.ran(TENANT, "decode", 1, 5, 5);
        assertThat(none.sizes()).isEmpty();
        assertThat(none.onPool(TENANT, "decode")).isFalse();
        assertThat(none.take(100)).isEmpty();
    }

    @Test
    void shouldReportNoMoreTimeThanTheIntervalHasAndTheRestLater() {
        pools.take(0);
        pools.ran(TENANT, "decode", 1, 10, 250);
        double units = 0;
        for (int i = 1; i <= 3; i++) {
            GroupUse use = pools.take(100L * i).getFirst();
            assertThat(use.getRunNs()).isLessThanOrEqualTo(100);
            assertThat(use.getRunNs() / use.getUnits()).isEqualTo(25, within(1e-9));
            units += use.getUnits();
        }
        assertThat(units).isEqualTo(10, within(1e-9));
        assertThat(pools.take(400)).isEmpty();
    }

    @Test
    void shouldReportNoMoreGroupsThanReadersTake() {
        IntStream.range(0, 300).forEach(i -> pools.ran(new TenantId("t" + i), "decode", 1, 1, 1));
        assertThat(pools.take(100)).hasSize(192);
        assertThat(pools.take(200)).isEmpty();
    }
}
