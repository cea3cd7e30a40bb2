package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.worker.device.BatchShape;
import io.sluice.worker.device.DeviceProfile;
import io.sluice.worker.device.EmulatedDevice;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Best-effort work on an emulated device gives way in the middle of a layer, and nothing of it is lost. */
final class BlockwisePaceTest extends OnBestEffortCluster {
    private static final long BLOCK = 31_600;

    /** When latency-critical work comes; the device looks at the clock every microsecond. */
    private long comesNanos = Long.MAX_VALUE;

    private final EmulatedDevice device = new EmulatedDevice(
            DeviceProfile.named("t4"),
            1,
            () -> cluster.clock.addAndGet(1_000),
            nanos -> cluster.clock.addAndGet(Math.max(1_000, Math.min(nanos, comesNanos - cluster.clock.get()))));

    private Member worker;
    private long layer;

    @BeforeEach
    void start() {
        worker = cluster.on(device);
        layer = device.batchNanos(BatchShape.of(1, 0, 1));
        allow(4 * layer);
    }

    private boolean came() {
        return cluster.clock.get() >= comesNanos;
    }

    @Test
    void shouldGiveWayWithinABlockWhereverInALayerItIs() {
        worker.deliver(prompt("night", "t", ids(1, 4), 12));
        List<Long> waits = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            cluster.clock.addAndGet(20_000_000); // so long that the device counts as idle
            comesNanos = cluster.clock.get() + (i + 1) * layer / 17;
            while (!came()) {
                if (!worker.loop.step(this::came)) {
                    cluster.clock.set(comesNanos);
                }
            }
            waits.add(cluster.clock.get() - comesNanos);
            comesNanos = Long.MAX_VALUE;
            String id = "urgent" + i;
            worker.deliver(cluster.prompt(id, 1, ids(i, 4), 1));
            assertThat(worker.loop.step()).isTrue();
            assertThat(cluster.generated(id)).as("it goes first").hasSize(1);
        }
        assertThat(waits).as("a block, and looks at the clock").allMatch(wait -> wait <= BLOCK + 10_000);
        assertThat(layer).as("a layer is far longer").isGreaterThan(100 * BLOCK);
        settle();
        assertThat(cluster.generated("night")).isEqualTo(FakeStageRunner.expected(ids(1, 4), 12));
    }

    @Test
    void shouldTakeAsLongForALayerInPiecesAsForAWholeOne() {
        worker.deliver(prompt("night", "t", ids(1, 1), 8));
        settle();
        long held = 0;
        worker.deliver(prompt("pieces", "t", ids(1, 1), 2));
        for (int pieces = 0; cluster.generated("pieces").size() < 2; pieces++) {
            assertThat(pieces).isLessThan(10_000);
            long before = cluster.clock.get();
            comesNanos = before + 500_000;
            if (worker.loop.step(this::came)) {
                held += cluster.clock.get() - before;
            }
            comesNanos = Long.MAX_VALUE;
            cluster.clock.addAndGet(500_000);
        }
        long whole = FakeStageRunner.LAYERS * (layer + device.batchNanos(BatchShape.of(1, 1, 0)));
        assertThat(held).isBetween(whole, whole * 11 / 10);
        assertThat(cluster.generated("pieces")).isEqualTo(FakeStageRunner.expected(ids(1, 1), 2));
    }

    @Test
    void shouldForgetASessionThatEndsInTheMiddleOfALayer() {
        worker.deliver(prompt("gone", "t", ids(1, 4), 8), prompt("stays", "t", ids(2, 4), 8));
        comesNanos = cluster.clock.get() + layer / 2;
        while (!came()) {
            worker.loop.step(this::came);
        }
        comesNanos = Long.MAX_VALUE;
        worker.deliver(LocalCluster.drop("gone", 1));
        settle();

        assertThat(cluster.generated("gone").size()).isLessThan(8);
        assertThat(cluster.generated("stays")).isEqualTo(FakeStageRunner.expected(ids(2, 4), 8));
        assertThat(worker.fake().live).isEmpty();
    }
}
