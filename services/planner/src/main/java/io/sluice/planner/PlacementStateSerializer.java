package io.sluice.planner;

import io.sluice.core.WorkerId;
import io.sluice.core.planning.PublishedPlacement;
import io.sluice.core.planning.live.Demand;
import io.sluice.core.planning.live.PlacementState;
import io.sluice.core.planning.live.PlacementState.Rest;
import io.sluice.core.planning.live.PlacementState.Search;
import io.sluice.core.planning.live.Searched;
import io.sluice.core.planning.live.Steadiness;
import io.sluice.core.planning.live.Trigger;
import io.sluice.core.planning.live.Watch;
import io.sluice.core.planning.live.Watch.Seen;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** State of one model's placement planner as versioned bytes. Stateless and thread-safe. */
final class PlacementStateSerializer extends TypeSerializerSingleton<PlacementState> {
    private static final long serialVersionUID = 1L;
    static final PlacementStateSerializer INSTANCE = new PlacementStateSerializer();

    @Override
    public void serialize(PlacementState state, DataOutputView out) throws IOException {
        out.writeByte(DomainBytes.V5);
        PlannerStateSerializer.INSTANCE.serialize(state.seen(), out);
        DomainBytes.writeList(List.copyOf(state.stalledUntil().entrySet()), out, (entry, o) -> {
            o.writeUTF(entry.getKey().value());
            o.writeLong(entry.getValue());
        });
        Rest rest = state.rest();
        out.writeBoolean(rest.placement() != null);
        if (rest.placement() != null) {
            DomainBytes.write(rest.placement(), out);
        }
        out.writeLong(rest.placedMillis());
        out.writeLong(rest.begunMillis());
        out.writeBoolean(rest.moving());
        out.writeLong(rest.heldMillis());
        out.writeLong(rest.decidedMillis());
        DomainBytes.writeList(List.copyOf(rest.watch().members().entrySet()), out, (entry, o) -> {
            o.writeUTF(entry.getKey().value());
            DomainBytes.write(entry.getValue().served(), o);
            o.writeDouble(entry.getValue().layerSpeed());
            o.writeLong(entry.getValue().driftedMillis());
        });
        writeDemand(rest.watch(), out);
        write(rest.trigger(), out);
        out.writeLong(rest.searches());
        out.writeBoolean(rest.search() != null);
        if (rest.search() != null) {
            out.writeLong(rest.search().id());
            write(rest.search().trigger(), out);
            out.writeLong(rest.search().atMillis());
        }
    }

    private static void writeDemand(Watch watch, DataOutputView out) throws IOException {
        out.writeDouble(watch.promptShare());
        out.writeLong(watch.uncoveredMillis());
        Demand demand = watch.demand();
        out.writeDouble(demand.promptShare());
        out.writeDouble(demand.reference());
        out.writeDouble(demand.tokens());
        out.writeLong(demand.trafficMillis());
        out.writeLong(demand.stableMillis());
        out.writeLong(demand.lookedMillis());
        Searched searched = watch.searched();
        // Not writeUTF: many workers make a long text.
        byte[] workers = searched.workers().getBytes(StandardCharsets.UTF_8);
        out.writeInt(workers.length);
        out.write(workers);
        DomainBytes.writeList(searched.layerSpeeds(), out, (speed, o) -> o.writeDouble(speed));
        out.writeDouble(searched.decodeShare());
        out.writeLong(searched.atMillis());
        DomainBytes.writeList(List.copyOf(watch.steadiness().entrySet()), out, (entry, o) -> {
            o.writeUTF(entry.getKey().value());
            o.writeDouble(entry.getValue().penalty());
            o.writeLong(entry.getValue().atMillis());
            o.writeBoolean(entry.getValue().held());
        });
    }

    private static Watch readWatch(TreeMap<WorkerId, Seen> members, int version, DataInputView in) throws IOException {
        double share = in.readDouble();
        if (version < DomainBytes.V3) {
            in.readLong();
            return new Watch(members, share, in.readLong(), Demand.NONE, Searched.NONE);
        }
        long uncovered = in.readLong();
        Demand demand = new Demand(
                in.readDouble(), in.readDouble(), in.readDouble(), in.readLong(), in.readLong(), in.readLong());
        byte[] workers = new byte[in.readInt()];
        in.readFully(workers);
        int count = in.readInt();
        List<Double> speeds = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            speeds.add(in.readDouble());
        }
        Searched searched =
                new Searched(new String(workers, StandardCharsets.UTF_8), speeds, in.readDouble(), in.readLong());
        TreeMap<WorkerId, Steadiness> steadiness = new TreeMap<>();
        int unsteady = version >= DomainBytes.V4 ? in.readInt() : 0;
        for (int i = 0; i < unsteady; i++) {
            steadiness.put(
                    new WorkerId(in.readUTF()), new Steadiness(in.readDouble(), in.readLong(), in.readBoolean()));
        }
        return new Watch(members, share, uncovered, demand, searched, steadiness);
    }

    private static void write(Trigger trigger, DataOutputView out) throws IOException {
        out.writeBoolean(trigger != null);
        if (trigger != null) {
            out.writeUTF(trigger.reason());
            out.writeLong(trigger.sinceMillis());
            out.writeLong(trigger.lastMillis());
            out.writeBoolean(trigger.loss());
        }
    }

    private static Trigger readTrigger(int version, DataInputView in) throws IOException {
        return in.readBoolean()
                ? new Trigger(in.readUTF(), in.readLong(), in.readLong(), version >= DomainBytes.V4 && in.readBoolean())
                : null;
    }

    @Override
    public PlacementState deserialize(DataInputView in) throws IOException {
        int version = DomainBytes.checkVersion(in.readByte(), "placement state");
        PlacementState state = new PlacementState(PlannerStateSerializer.INSTANCE.deserialize(in));
        int stalled = in.readInt();
        for (int i = 0; i < stalled; i++) {
            state.stalledUntil().put(new WorkerId(in.readUTF()), in.readLong());
        }
        PublishedPlacement placement = in.readBoolean() ? DomainBytes.readPlacement(in, version) : null;
        long placed = in.readLong();
        long begun = in.readLong();
        boolean moving = in.readBoolean();
        long held = version >= DomainBytes.V5 ? in.readLong() : 0;
        long decided = in.readLong();
        TreeMap<WorkerId, Seen> members = new TreeMap<>();
        int seen = in.readInt();
        for (int i = 0; i < seen; i++) {
            members.put(
                    new WorkerId(in.readUTF()),
                    new Seen(DomainBytes.readOptionalRange(in), in.readDouble(), in.readLong()));
        }
        Watch watch = readWatch(members, version, in);
        Trigger trigger = readTrigger(version, in);
        long searches = in.readLong();
        Search search = in.readBoolean() ? new Search(in.readLong(), readTrigger(version, in), in.readLong()) : null;
        state.restore(new Rest(placement, placed, begun, moving, held, decided, watch, trigger, searches, search));
        return state;
    }

    @Override
    public PlacementState copy(PlacementState from) {
        PlacementState copy = new PlacementState(PlannerStateSerializer.INSTANCE.copy(from.seen()));
        copy.stalledUntil().putAll(from.stalledUntil());
        copy.restore(from.rest());
        return copy;
    }

    @Override
    public PlacementState copy(PlacementState from, PlacementState reuse) {
        return copy(from);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        serialize(deserialize(source), target);
    }

    @Override
    public PlacementState deserialize(PlacementState reuse, DataInputView in) throws IOException {
        return deserialize(in);
    }

    @Override
    public boolean isImmutableType() {
        return false;
    }

    @Override
    public PlacementState createInstance() {
        return new PlacementState("");
    }

    @Override
    public int getLength() {
        return -1;
    }

    @Override
    public TypeSerializerSnapshot<PlacementState> snapshotConfiguration() {
        return new Snapshot();
    }

    /** The layout is versioned value by value, so any two snapshots are compatible. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<PlacementState> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
