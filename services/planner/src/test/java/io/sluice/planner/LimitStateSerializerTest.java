package io.sluice.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.sharing.GroupPoolState;
import io.sluice.core.sharing.LimitPlanner;
import io.sluice.core.sharing.LimitState;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.GroupUse;
import io.sluice.records.SharingReport;
import io.sluice.records.WorkerState;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
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
                if (seed % 2 == 0) {
                    divide(report.getSharing(), random);
                }
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
            assertThat(worker.state().pools().groups().isEmpty()).isEqualTo(seed % 2 == 1);
            assertThat(worker.state().published().epoch()).isPositive();
        }
    }

    private static void divide(SharingReport sharing, SplittableRandom random) {
        sharing.setPoolLanes(List.of(1, 2));
        List<GroupUse> uses = new ArrayList<>();
        for (String tenant : List.of("x", "y")) {
            for (int lanes = 1; lanes <= 2; lanes++) {
                uses.add(new GroupUse(tenant, "decode", lanes, 100 * random.nextDouble(), 1e7, random.nextDouble()));
            }
        }
        sharing.setGroups(uses);
    }

    @Test
    void shouldReadWhatTheVersionWithoutPoolsOfKernelGroupsHasWritten() throws IOException {
        byte[] bytes;
        try (InputStream golden = getClass().getResourceAsStream("/golden/limits-version-2.hex")) {
            bytes = HexFormat.of()
                    .parseHex(new String(golden.readAllBytes(), StandardCharsets.UTF_8).replace("\n", ""));
        }
        assertThat(bytes[0]).isEqualTo((byte) 2);
        LimitState state = back(bytes).state();
        assertThat(state.lastSequence()).isEqualTo(39);
        assertThat(state.quota().violations()).isEqualTo(2);
        assertThat(state.tenants()).hasSize(2);
        assertThat(state.published().quota()).isCloseTo(0.2375, within(1e-9));
        assertThat(state.published().sideLanes()).isEqualTo(2);
        assertThat(state.beside().chosen()).isEqualTo(2);
        assertThat(state.pools()).isEqualTo(GroupPoolState.NONE);
        assertThat(state.published().groups()).isEmpty();
        byte[] now = bytes(back(bytes));
        assertThat(now[0]).isEqualTo((byte) 3);
        assertThat(Arrays.copyOfRange(now, 1, bytes.length)).isEqualTo(Arrays.copyOfRange(bytes, 1, bytes.length));
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
                .hasMessageContaining("reads version 3");
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
