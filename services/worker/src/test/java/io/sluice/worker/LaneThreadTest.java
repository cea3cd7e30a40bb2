package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.sharing.RunningSlice;
import io.sluice.core.sharing.TenantId;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class LaneThreadTest {
    private static final int NO_SUCH_CORE = 4_000;

    private final FakeStageRunner runner = new FakeStageRunner(new LayerRange(0, FakeStageRunner.LAYERS), 10_000);
    private final BlockingQueue<SideSlice> back = new LinkedBlockingQueue<>();

    private SideSlice slice() {
        KvSlot slot = runner.reserve(64, runner.layers()).orElseThrow();
        var run = runner.begin(List.of(new StageInput(slot, 0, 1, new int[] {5}, null, 0, true)));
        return new SideSlice(
                new BestEffortTenant(new TenantId("t")),
                new RestingBatch(run, List.of(), new SliceKind(SliceKind.Phase.DECODE, 1)),
                new RunningSlice(1, new TenantId("t"), "decode/1", 6, 1, Long.MAX_VALUE, 0, false),
                1,
                () -> false,
                System::nanoTime);
    }

    private SideSlice returned() throws InterruptedException {
        SideSlice slice = back.poll(30, TimeUnit.SECONDS);
        assertThat(slice).as("a slice that comes back").isNotNull();
        return slice;
    }

    @Test
    void shouldRunSlicesAlsoWhereItCannotBeBound() throws InterruptedException {
        LaneThread lane = LaneThread.start("lane-test", NO_SUCH_CORE, 0, back::add);
        for (int i = 0; i < 3; i++) {
            SideSlice slice = slice();
            lane.start(slice);
            assertThat(returned()).isSameAs(slice);
            assertThat(slice.units()).isEqualTo(FakeStageRunner.LAYERS);
            assertThat(slice.failure()).isNull();
            assertThat(slice.ranNanos(0, Long.MAX_VALUE)).isPositive();
        }
        lane.close();
        assertThat(lane.alive()).isFalse();
    }

    @Test
    void shouldEndAfterItsLayerWhenToldToStop() throws InterruptedException {
        LaneThread lane = LaneThread.start("lane-test", NO_SUCH_CORE, 0, back::add);
        CountDownLatch atWork = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        runner.onBeside = () -> {
            atWork.countDown();
            try {
                goOn.await(30, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        };
        SideSlice slice = slice();
        lane.start(slice);
        assertThat(atWork.await(30, TimeUnit.SECONDS)).isTrue();
        slice.stop();
        goOn.countDown();
        assertThat(returned().units()).isOne();
        assertThat(slice.batch.run.layersLeft()).as("it goes on elsewhere").isEqualTo(FakeStageRunner.LAYERS - 1);
        lane.close();
    }

    @Test
    void shouldHandItsSliceBackWhenItsThreadDies() throws InterruptedException {
        LaneThread lane = LaneThread.start("lane-test", NO_SUCH_CORE, 0, back::add);
        runner.onBeside = () -> {
            throw new OutOfMemoryError("none left");
        };
        lane.start(slice());
        assertThat(returned().failure()).hasMessageContaining("none left");
        lane.close();
        SideSlice late = slice();
        lane.start(late);
        assertThat(returned()).as("a dead lane gives back at once").isSameAs(late);
        assertThat(late.units()).isZero();
        assertThat(late.failure()).isNull();
        assertThat(lane.alive()).isFalse();
    }
}
