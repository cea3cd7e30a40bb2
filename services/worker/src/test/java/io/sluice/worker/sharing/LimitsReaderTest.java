package io.sluice.worker.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.sharing.KernelGroup;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.TenantId;
import io.sluice.core.sharing.TenantLevel;
import io.sluice.records.GroupPool;
import io.sluice.records.Limits;
import io.sluice.records.TenantLimit;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class LimitsReaderTest {
    private static final long INCARNATION = 9;
    private static final long EPOCH_MILLIS = 1_700_000_000_000L;
    private static final long NOW = 5_000_000_000L;
    private static final long MS = 1_000_000;

    private final LimitsReader reader = new LimitsReader("w", INCARNATION);

    private static Limits record(Consumer<Limits.Builder> change) {
        Limits.Builder builder = Limits.newBuilder()
                .setWorker("w")
                .setIncarnation(INCARNATION)
                .setEpoch(7)
                .setQuota(0.5)
                .setSliceNs(MS)
                .setLanes(1)
                .setAtMs(EPOCH_MILLIS)
                .setValidUntilMs(EPOCH_MILLIS + 3_000);
        change.accept(builder);
        return builder.build();
    }

    private Optional<SharingLimits> read(Consumer<Limits.Builder> change) {
        return reader.read(record(change), NOW, EPOCH_MILLIS);
    }

    private long until(Consumer<Limits.Builder> change) {
        return read(change).orElseThrow().validUntilNanos();
    }

    @Test
    void shouldReadLimitsOnTheWorkersClock() {
        SharingLimits limits = read(record -> record.setLevels(List.of(new TenantLimit("a", 0.25, 100L, 1))))
                .orElseThrow();
        assertThat(limits)
                .isEqualTo(new SharingLimits(
                        7, 0.5, MS, 1, NOW + 3_000 * MS, List.of(new TenantLevel(new TenantId("a"), 0.25, 100, 1))));
    }

    @Test
    void shouldReadThePoolsOfKernelGroups() {
        SharingLimits limits = read(record ->
                        record.setGroups(List.of(new GroupPool("a", "decode", 1), new GroupPool("b", "prefill", 2))))
                .orElseThrow();
        assertThat(limits.poolLanes(new KernelGroup(new TenantId("a"), "decode")))
                .isOne();
        assertThat(limits.poolLanes(new KernelGroup(new TenantId("b"), "prefill")))
                .isEqualTo(2);
        assertThat(limits.poolLanes(new KernelGroup(new TenantId("a"), "prefill")))
                .as("the whole device")
                .isZero();
        List<List<GroupPool>> absurd = List.of(
                List.of(new GroupPool("a", "decode", 0)),
                List.of(new GroupPool("a", "", 1)),
                List.of(new GroupPool(" ", "decode", 1)),
                List.of(new GroupPool("a", "decode", 1), new GroupPool("a", "decode", 2)),
                IntStream.range(0, 193)
                        .mapToObj(i -> new GroupPool("t" + i, "decode", 1))
                        .toList());
        assertThat(absurd).allSatisfy(groups -> assertThat(read(record -> record.setGroups(groups)))
                .hasValueSatisfying(none -> assertThat(none.none()).isTrue()));
    }

    @Test
    void shouldEndWithWhatEndsSooner() {
        assertThat(until(record -> record.setAtMs(EPOCH_MILLIS - 1_000).setValidUntilMs(EPOCH_MILLIS + 2_000)))
                .as("read a second later")
                .isEqualTo(NOW + 2_000 * MS);
        assertThat(until(record -> record.setAtMs(EPOCH_MILLIS + 3_600_000).setValidUntilMs(EPOCH_MILLIS + 3_603_000)))
                .as("the planner's clock is an hour ahead")
                .isEqualTo(NOW + 3_000 * MS);
        assertThat(until(record -> record.setValidUntilMs(EPOCH_MILLIS + 3_600_000)))
                .as("a lease of an hour")
                .isEqualTo(NOW + LimitsReader.MOST_LEASE_SECONDS * 1_000 * MS);
    }

    @Test
    void shouldAllowNothingByWhatIsOver() {
        assertThat(until(record -> record.setAtMs(EPOCH_MILLIS - 9_000).setValidUntilMs(EPOCH_MILLIS - 6_000)))
                .isEqualTo(Long.MIN_VALUE);
        assertThat(until(record -> record.setValidUntilMs(EPOCH_MILLIS - 1))).isEqualTo(Long.MIN_VALUE);
        assertThat(until(record -> record.setAtMs(Long.MIN_VALUE).setValidUntilMs(Long.MIN_VALUE)))
                .isEqualTo(Long.MIN_VALUE);
        assertThat(until(record -> record.setAtMs(Long.MIN_VALUE).setValidUntilMs(Long.MAX_VALUE)))
                .as("no overflow makes it longer")
                .isEqualTo(NOW + LimitsReader.MOST_LEASE_SECONDS * 1_000 * MS);
    }

    @Test
    void shouldPassOverWhatIsForAnotherIncarnation() {
        assertThat(read(record -> record.setIncarnation(INCARNATION - 1))).isEmpty();
        assertThat(read(record -> record.setIncarnation(INCARNATION + 1))).isEmpty();
        assertThat(read(record -> record.setIncarnation(0))).isEmpty();
    }

    @Test
    void shouldAllowNothingByWhatMakesNoSense() {
        assertThat(read(record -> {}))
                .hasValueSatisfying(limits -> assertThat(limits.none()).isFalse());
        List<Consumer<Limits.Builder>> absurd = List.of(
                record -> record.setQuota(Double.NaN),
                record -> record.setQuota(-0.1),
                record -> record.setQuota(1.01),
                record -> record.setQuota(Double.POSITIVE_INFINITY),
                record -> record.setLanes(-1),
                record -> record.setSliceNs(-1),
                record -> record.setSliceNs(Long.MAX_VALUE),
                record -> record.setEpoch(-1),
                record -> record.setLevels(List.of(new TenantLimit("a", Double.NaN, 1L, 1))),
                record -> record.setLevels(List.of(new TenantLimit(" ", 1.0, 1L, 1))),
                record ->
                        record.setLevels(List.of(new TenantLimit("a", 1.0, 1L, 1), new TenantLimit("a", 1.0, 1L, 1))));
        for (Consumer<Limits.Builder> change : absurd) {
            SharingLimits limits = read(change).orElseThrow();
            assertThat(limits.none()).isTrue();
            assertThat(limits.freshAt(NOW)).isFalse();
            assertThat(limits.epoch())
                    .as("not older than what was there, so that it counts")
                    .isEqualTo(7);
        }
        assertThat(read(record -> record.setEpoch(8)))
                .as("sense again")
                .hasValueSatisfying(limits -> assertThat(limits.freshAt(NOW)).isTrue());
    }
}
