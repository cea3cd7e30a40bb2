package io.sluice.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.sharing.LimitPlanner;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.WorkerState;
import java.io.IOException;
import java.util.SplittableRandom;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

class LimitStateSerializerTest {
    private static final long NOW = 1_800_000_000_000L;

    private static byte[] bytes(WorkerLimits worker) throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(64);
        LimitStateSerializer.INSTANCE.serialize(worker, out);
        return out.getCopyOfBuffer();
    }

    private static WorkerLimits back(byte[] bytes) throws IOException {
        DataInputDeserializer in = new DataInputDeserializer(bytes);
        WorkerLimits worker = LimitStateSerializer.INSTANCE.deserialize(in);
        assertThat(in.available()).isZero();
        return worker;
    }

    @Test
    void shouldCarryEveryStateThatReportsCanLeadTo() throws IOException {
        for (long seed = 0; seed < 30; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            WorkerLimits worker = WorkerLimits.announced(
                    null, Records.worker("a", 0, 3, WorkerState.JOINED, 1, NOW), SharingPolicy.DEFAULT);
            SharedDevice device = new SharedDevice("a", 1);
            long now = NOW;
            for (int i = 0; i < 60; i++) {
                LimitPlanner planner = worker.planner(SharingPolicy.DEFAULT);
                now += random.nextInt(20) == 0 ? 5_000 : 250;
                GpuTelemetry report = device.report(
                        now, random.nextInt(9), 0, random.nextBoolean() ? new String[] {"x", "y"} : new String[] {"z"});
                report.getSharing()
                        .setViolations(
                                random.nextInt(1 + (int) report.getSharing().getRequests()) / 3);
                report.getSharing().getTenants().getFirst().setWatts(random.nextDouble() * 50);
                if (random.nextInt(4) == 0) {
                    report.getSharing().getTenants().getFirst().setRunNs(0);
                    report.getSharing().getTenants().getFirst().setUnits(0);
                }
                worker = worker.with(planner.onSample(worker.state(), LimitCodec.decode(report), now * 1_000_000)
                        .state());
                worker = worker.with(planner.onTimer(worker.state(), now * 1_000_000 + random.nextInt(9))
                        .state());
                byte[] bytes = bytes(worker);
                WorkerLimits restored = back(bytes);
                assertThat(restored).as("seed %d, report %d", seed, i).isEqualTo(worker);
                assertThat(bytes(restored)).isEqualTo(bytes);
            }
            assertThat(worker.state().tenants()).isNotEmpty();
            assertThat(worker.state().published().epoch()).isPositive();
        }
    }

    @Test
    void shouldTakeTheTimeOfALayerFromTheStatus() {
        var status = Records.worker("a", 2, 6, WorkerState.JOINED, 1, NOW);
        status.setBatchUs(3_000);
        status.setDecodeUsPerToken(1_000);
        assertThat(WorkerLimits.announced(null, status, SharingPolicy.DEFAULT).layerNanos())
                .isEqualTo(1e6);
        status.setEndLayer(2);
        assertThat(WorkerLimits.announced(null, status, SharingPolicy.DEFAULT).layerNanos())
                .as("a spare announces one layer")
                .isEqualTo(4e6);
        status.setBatchUs(Double.NaN);
        assertThat(WorkerLimits.announced(null, status, SharingPolicy.DEFAULT).layerNanos())
                .isZero();
    }

    @Test
    void shouldRefuseStateOfANewerProgram() throws IOException {
        byte[] bytes = bytes(WorkerLimits.unknown());
        bytes[0] = 9;
        assertThatThrownBy(() -> back(bytes))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("version 9")
                .hasMessageContaining("reads version 2");
    }

    @Test
    void shouldRestoreTheSerializerFromItsSnapshot() throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(64);
        TypeSerializerSnapshot.writeVersionedSnapshot(out, LimitStateSerializer.INSTANCE.snapshotConfiguration());
        TypeSerializerSnapshot<WorkerLimits> snapshot = TypeSerializerSnapshot.readVersionedSnapshot(
                new DataInputDeserializer(out.getCopyOfBuffer()), getClass().getClassLoader());
        assertThat(snapshot.restoreSerializer()).isEqualTo(LimitStateSerializer.INSTANCE);
    }

    @Test
    void shouldHoldTimesAtTheEndsOfTheRange() {
        assertThat(LimitCodec.nanos(5)).isEqualTo(5_000_000);
        assertThat(LimitCodec.nanos(Long.MAX_VALUE)).isEqualTo(Long.MAX_VALUE);
        assertThat(LimitCodec.nanos(Long.MIN_VALUE)).isEqualTo(Long.MIN_VALUE);
    }
}
