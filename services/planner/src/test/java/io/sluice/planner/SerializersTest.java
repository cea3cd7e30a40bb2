package io.sluice.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.DeviceSample;
import io.sluice.core.planning.FlowPlanner;
import io.sluice.core.planning.LinkSample;
import io.sluice.core.planning.LinkSample.Transfer;
import io.sluice.core.planning.PlannerCommand;
import io.sluice.core.planning.PlannerPolicy;
import io.sluice.core.planning.PlannerState;
import io.sluice.core.planning.Presence;
import io.sluice.core.planning.PublishedPlacement;
import io.sluice.core.planning.Transition;
import io.sluice.core.planning.live.Demand;
import io.sluice.core.planning.live.PlacementState;
import io.sluice.core.planning.live.Searched;
import io.sluice.core.planning.live.Trigger;
import io.sluice.core.planning.live.Watch;
import io.sluice.messaging.PlacementCodec;
import io.sluice.records.Stage;
import io.sluice.records.WorkerState;
import io.sluice.solver.OrToolsMaxFlow;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

class SerializersTest {
    private static final long NOW = 1_800_000_000_000L;

    private static final List<PlannerCommand> COMMANDS = List.of(
            new PlannerCommand.Place(
                    PlacementCodec.decode(Records.placement(3, new Stage("a", 0, 2), new Stage("b", 2, 4)))),
            new PlannerCommand.Announce(PlannerCodec.decode(Records.worker("a", 0, 2, WorkerState.JOINED, 1, NOW))),
            new PlannerCommand.Announce(PlannerCodec.decode(Records.worker("b", 2, 4, WorkerState.JOINED, 1, NOW))),
            new PlannerCommand.MeasureDevice(
                    new DeviceSample(Records.MODEL, new WorkerId("a"), 1, 5, NOW, 250, 100_000, 0.4, 7, 8, 3)),
            new PlannerCommand.MeasureLink(
                    new LinkSample(Records.MODEL, "a", "b", NOW, List.of(new Transfer(10, -3), new Transfer(20, 9)))),
            new PlannerCommand.MeasureDevice(
                    new DeviceSample(Records.MODEL, new WorkerId("b"), 1, 6, NOW, 250, -1, Double.NaN, 7, 8, 3)),
            new PlannerCommand.Attend(
                    Records.MODEL, new Presence(new WorkerId("b"), 1, Presence.State.GONE, "its process ended")),
            new PlannerCommand.Tick(Records.MODEL));

    private static PlannerState state() {
        return state(COMMANDS);
    }

    private static PlannerState state(List<PlannerCommand> commands) {
        FlowPlanner planner = new FlowPlanner(new OrToolsMaxFlow(), PlannerPolicy.DEFAULT);
        PlannerState state = new PlannerState(Records.MODEL, 7);
        commands.forEach(command -> planner.decide(state, command, NOW).forEach(state::apply));
        assertThat(state.published()).isPresent();
        return state;
    }

    private static <T> byte[] bytes(TypeSerializer<T> serializer, T value) throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(64);
        serializer.serialize(value, out);
        return out.getCopyOfBuffer();
    }

    private static <T> T back(TypeSerializer<T> serializer, byte[] bytes) throws IOException {
        DataInputDeserializer in = new DataInputDeserializer(bytes);
        T value = serializer.deserialize(in);
        assertThat(in.available()).isZero();
        return value;
    }

    @Test
    void shouldCarryEveryCommand() throws IOException {
        for (PlannerCommand command : COMMANDS) {
            PlannerInput input = new PlannerInput(command, "topic", 2, 99);
            assertThat(back(PlannerInputSerializer.INSTANCE, bytes(PlannerInputSerializer.INSTANCE, input)))
                    .isEqualTo(input);
        }
    }

    @Test
    void shouldCarryTheWholeState() throws IOException {
        PlannerState state = state();
        byte[] bytes = bytes(PlannerStateSerializer.INSTANCE, state);
        PlannerState restored = back(PlannerStateSerializer.INSTANCE, bytes);
        assertThat(restored.epoch()).isEqualTo(8);
        assertThat(restored.members()).isEqualTo(state.members());
        assertThat(restored.links()).isEqualTo(state.links());
        assertThat(restored.placement()).isEqualTo(state.placement());
        assertThat(restored.published()).isEqualTo(state.published());
        assertThat(restored.publishedMillis()).isEqualTo(state.publishedMillis());
        assertThat(bytes(PlannerStateSerializer.INSTANCE, restored)).isEqualTo(bytes);
    }

    @Test
    void shouldCarryTheStateOfThePlacementPlanner() throws IOException {
        PlacementState state = new PlacementState(state());
        var placement =
                PlacementCodec.decodePublished(Records.placement(4, new Stage("a", 0, 2), new Stage("b", 2, 4)));
        var moving = new PublishedPlacement(
                placement.plan(),
                new Transition(
                        placement.plan().stages(),
                        List.of(
                                new Transition.Step(1, new WorkerId("a"), Optional.of(new LayerRange(1, 2)), 3.5),
                                new Transition.Step(2, new WorkerId("b"), Optional.empty(), 2.5)),
                        2),
                "method",
                "reason");
        Trigger trigger = new Trigger("spare c joined", NOW, NOW + 1, true);
        TreeMap<WorkerId, Watch.Seen> seen = new TreeMap<>();
        seen.put(new WorkerId("a"), new Watch.Seen(Optional.of(new LayerRange(0, 2)), 12.5, NOW));
        seen.put(new WorkerId("c"), new Watch.Seen(Optional.empty(), 1.5, 0));
        state.stalledUntil().put(new WorkerId("c"), NOW + 5);
        state.restore(new PlacementState.Rest(
                moving,
                NOW,
                NOW - 1,
                true,
                NOW - 3,
                NOW - 2,
                new Watch(
                        seen,
                        0.25,
                        -1,
                        new Demand(0.75, 0.7, 4_096, NOW - 3, 250, NOW - 4),
                        new Searched("a:0-2/2 ", List.of(12.5), 0.25, NOW - 5)),
                trigger,
                3,
                new PlacementState.Search(3, trigger, NOW)));
        byte[] bytes = bytes(PlacementStateSerializer.INSTANCE, state);
        PlacementState restored = back(PlacementStateSerializer.INSTANCE, bytes);
        assertThat(restored.rest()).isEqualTo(state.rest());
        assertThat(restored.stalledUntil()).isEqualTo(state.stalledUntil());
        assertThat(restored.seen().members()).isEqualTo(state.seen().members());
        assertThat(bytes(PlacementStateSerializer.INSTANCE, restored)).isEqualTo(bytes);
        assertThat(bytes(PlacementStateSerializer.INSTANCE, PlacementStateSerializer.INSTANCE.copy(state)))
                .isEqualTo(bytes);
    }

    @Test
    void shouldCopyDeeplyEnoughForASnapshotUnderWay() throws IOException {
        PlannerState state = state();
        PlannerState copy = PlannerStateSerializer.INSTANCE.copy(state);
        byte[] before = bytes(PlannerStateSerializer.INSTANCE, copy);
        state.members().clear();
        assertThat(bytes(PlannerStateSerializer.INSTANCE, copy)).isEqualTo(before);
    }

    @Test
    void shouldReadStateOfTheFirstVersion() throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(64);
        out.writeByte(1);
        out.writeUTF(Records.MODEL);
        out.writeLong(7);
        out.writeBoolean(false);
        out.writeBoolean(false);
        out.writeLong(NOW);
        out.writeBoolean(true);
        out.writeInt(1);
        // Status: model, worker, state, incarnation, layers, region, KV tokens, speeds, link, cost, time.
        out.writeUTF(Records.MODEL);
        out.writeUTF("a");
        out.writeUTF("JOINED");
        out.writeLong(3);
        out.writeInt(0);
        out.writeInt(2);
        out.writeUTF("r1");
        out.writeLong(4_096);
        for (double number : new double[] {100, 50, 1e9, 1, 2, 3}) {
            out.writeDouble(number);
        }
        out.writeLong(NOW);
        // Capacity: speeds, expected and busy seconds, tokens, pending work.
        for (double number : new double[] {100, 50, 0.3, 0.6, 7, 8, 0.01, 0.02, 1}) {
            out.writeDouble(number);
        }
        out.writeLong(12);
        out.writeLong(NOW);
        out.writeUTF("");
        out.writeInt(0);
        PlannerState state = back(PlannerStateSerializer.INSTANCE, out.getCopyOfBuffer());
        PlannerState.Member member = state.members().get(new WorkerId("a"));
        assertThat(state.epoch()).isEqualTo(7);
        assertThat(member.status().served()).contains(new LayerRange(0, 2));
        assertThat(member.capacity().speedFactor()).isEqualTo(0.5);
        assertThat(member.lastSequence()).isEqualTo(12);
    }

    @Test
    void shouldReadStateFromBeforeThereWereHeartbeats() throws IOException {
        List<PlannerCommand> silent = COMMANDS.stream()
                .filter(command -> !(command instanceof PlannerCommand.Attend))
                .toList();
        PlannerState state = state(silent);
        byte[] now = bytes(PlannerStateSerializer.INSTANCE, state);
        byte[] heard = bytes(PlannerStateSerializer.INSTANCE, state());
        assertThat(back(PlannerStateSerializer.INSTANCE, heard)
                        .members()
                        .get(new WorkerId("b"))
                        .presence())
                .isEqualTo(Presence.State.GONE);
        // As it was written then: the same, but for the version and the list at the end.
        byte[] then = Arrays.copyOf(now, now.length - Integer.BYTES);
        then[0] = 2;

        PlannerState restored = back(PlannerStateSerializer.INSTANCE, then);

        assertThat(restored.members()).isEqualTo(state.members());
        assertThat(restored.members().get(new WorkerId("b")).presence()).isEqualTo(Presence.State.UNHEARD);
        assertThat(bytes(PlannerStateSerializer.INSTANCE, restored)).isEqualTo(now);
    }

    @Test
    void shouldRefuseStateOfANewerProgram() throws IOException {
        byte[] bytes = bytes(PlannerStateSerializer.INSTANCE, state());
        bytes[0] = 9;
        assertThatThrownBy(() -> back(PlannerStateSerializer.INSTANCE, bytes))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("version 9");
    }

    @Test
    void shouldRestoreTheSerializerFromItsSnapshot() throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(64);
        TypeSerializerSnapshot.writeVersionedSnapshot(out, PlannerStateSerializer.INSTANCE.snapshotConfiguration());
        TypeSerializerSnapshot<PlannerState> snapshot = TypeSerializerSnapshot.readVersionedSnapshot(
                new DataInputDeserializer(out.getCopyOfBuffer()), getClass().getClassLoader());
        assertThat(snapshot.restoreSerializer()).isEqualTo(PlannerStateSerializer.INSTANCE);
        assertThat(PlannerStateSerializer.INSTANCE
                        .snapshotConfiguration()
                        .resolveSchemaCompatibility(snapshot)
                        .isCompatibleAsIs())
                .isTrue();
    }
}
