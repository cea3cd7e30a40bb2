package io.sluice.planner;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.Allocation.EdgeFlow;
import io.sluice.core.planning.Allocation.WorkerFlow;
import io.sluice.core.planning.BatchCost;
import io.sluice.core.planning.Holding;
import io.sluice.core.planning.MemberStatus;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.core.planning.Presence;
import io.sluice.core.planning.PublishedPlacement;
import io.sluice.core.planning.Transition;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The bytes of domain values in Flink's state and between its operators. A change of layout adds a version to the
 * serializer that writes it and keeps reading the older ones. Stateless.
 */
final class DomainBytes {
    /** Workers always serve layers; placements are stages only. */
    static final int V1 = 1;
    /** What is written: workers with what they have loaded, placements with what is to come. */
    static final int V2 = 2;
    /** The placement planner's state with the demand and the situation it last searched; otherwise as before. */
    static final int V3 = 3;

    /** Planner state with what heartbeats have said; triggers that know losses; otherwise as before. */
    static final int V4 = 4;

    /** The placement planner's state with since when a step is held back; otherwise as before. */
    static final int V5 = 5;

    private DomainBytes() {}

    /** Returns {@code version}; fails with a remedy when it is from a newer program. */
    static int checkVersion(int version, String what) throws IOException {
        if (version < V1 || version > V5) {
            throw new IOException(
                    what + " was written in version " + version
                            + ", this program reads versions 1 to 5; start the version that wrote it, or go without its checkpoint");
        }
        return version;
    }

    /** Writes one element. */
    @FunctionalInterface
    interface Writer<T> {
        void write(T value, DataOutput out) throws IOException;
    }

    /** Reads one element. */
    @FunctionalInterface
    interface Reader<T> {
        T read(DataInput in) throws IOException;
    }

    static <T> void writeList(List<T> list, DataOutput out, Writer<T> writer) throws IOException {
        out.writeInt(list.size());
        for (T element : list) {
            writer.write(element, out);
        }
    }

    static <T> List<T> readList(DataInput in, Reader<T> reader) throws IOException {
        int size = in.readInt();
        List<T> list = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            list.add(reader.read(in));
        }
        return list;
    }

    static void write(Presence presence, DataOutput out) throws IOException {
        out.writeUTF(presence.worker().value());
        out.writeLong(presence.incarnation());
        out.writeUTF(presence.state().name());
        out.writeUTF(presence.reason());
    }

    static Presence readPresence(DataInput in) throws IOException {
        return new Presence(readWorker(in), in.readLong(), Presence.State.valueOf(in.readUTF()), in.readUTF());
    }

    static void write(LayerRange range, DataOutput out) throws IOException {
        out.writeInt(range.first());
        out.writeInt(range.end());
    }

    static LayerRange readRange(DataInput in) throws IOException {
        return new LayerRange(in.readInt(), in.readInt());
    }

    static WorkerId readWorker(DataInput in) throws IOException {
        return new WorkerId(in.readUTF());
    }

    static void write(Stage stage, DataOutput out) throws IOException {
        out.writeUTF(stage.worker().value());
        write(stage.layers(), out);
    }

    static Stage readStage(DataInput in) throws IOException {
        return new Stage(readWorker(in), readRange(in));
    }

    static void write(PlacementPlan plan, DataOutput out) throws IOException {
        out.writeUTF(plan.model());
        out.writeLong(plan.epoch());
        out.writeInt(plan.layerCount());
        out.writeInt(plan.hiddenSize());
        out.writeInt(plan.activationBytes());
        writeList(plan.stages(), out, DomainBytes::write);
    }

    static PlacementPlan readPlan(DataInput in) throws IOException {
        return new PlacementPlan(
                in.readUTF(),
                in.readLong(),
                in.readInt(),
                in.readInt(),
                in.readInt(),
                readList(in, DomainBytes::readStage));
    }

    static void write(PublishedPlacement placement, DataOutput out) throws IOException {
        write(placement.plan(), out);
        out.writeUTF(placement.method());
        out.writeUTF(placement.reason());
        writeList(placement.transition().target(), out, DomainBytes::write);
        writeList(placement.transition().steps(), out, (step, o) -> {
            o.writeInt(step.phase());
            o.writeUTF(step.worker().value());
            write(step.layers(), o);
            o.writeDouble(step.flowTokensPerSecond());
        });
        out.writeDouble(placement.transition().floorTokensPerSecond());
    }

    static PublishedPlacement readPlacement(DataInput in, int version) throws IOException {
        PlacementPlan plan = readPlan(in);
        if (version == V1) {
            return PublishedPlacement.of(plan, "");
        }
        String method = in.readUTF();
        String reason = in.readUTF();
        return new PublishedPlacement(
                plan,
                new Transition(
                        readList(in, DomainBytes::readStage),
                        readList(
                                in,
                                i -> new Transition.Step(
                                        i.readInt(), readWorker(i), readOptionalRange(i), i.readDouble())),
                        in.readDouble()),
                method,
                reason);
    }

    static void write(Optional<LayerRange> range, DataOutput out) throws IOException {
        out.writeInt(range.map(LayerRange::first).orElse(0));
        out.writeInt(range.map(LayerRange::end).orElse(0));
    }

    static Optional<LayerRange> readOptionalRange(DataInput in) throws IOException {
        int first = in.readInt();
        int end = in.readInt();
        return first == end ? Optional.empty() : Optional.of(new LayerRange(first, end));
    }

    private static void write(Holding holding, DataOutput out) throws IOException {
        write(holding.served(), out);
        writeList(holding.loaded(), out, DomainBytes::write);
        out.writeInt(holding.maxLayers());
        out.writeLong(holding.placementEpoch());
        out.writeInt(holding.drainingSessions());
    }

    private static Holding readHolding(DataInput in) throws IOException {
        return new Holding(
                readOptionalRange(in), readList(in, DomainBytes::readRange), in.readInt(), in.readLong(), in.readInt());
    }

    static void write(MemberStatus s, DataOutput out) throws IOException {
        out.writeUTF(s.model());
        out.writeUTF(s.worker().value());
        out.writeUTF(s.state().name());
        out.writeLong(s.incarnation());
        write(s.holding(), out);
        out.writeUTF(s.region());
        out.writeLong(s.kvCapacityTokens());
        out.writeDouble(s.prefillTokensPerSecond());
        out.writeDouble(s.decodeTokensPerSecond());
        out.writeDouble(s.linkBytesPerSecond());
        out.writeDouble(s.cost().perBatchMicros());
        out.writeDouble(s.cost().perPrefillTokenMicros());
        out.writeDouble(s.cost().perDecodeTokenMicros());
        out.writeLong(s.atMillis());
    }

    static MemberStatus readStatus(DataInput in, int version) throws IOException {
        return new MemberStatus(
                in.readUTF(),
                readWorker(in),
                MemberStatus.State.valueOf(in.readUTF()),
                in.readLong(),
                version == V1 ? Holding.of(readRange(in)) : readHolding(in),
                in.readUTF(),
                in.readLong(),
                in.readDouble(),
                in.readDouble(),
                in.readDouble(),
                new BatchCost(in.readDouble(), in.readDouble(), in.readDouble()),
                in.readLong());
    }

    static void write(Allocation a, DataOutput out) throws IOException {
        out.writeUTF(a.model());
        out.writeLong(a.epoch());
        out.writeLong(a.placementEpoch());
        out.writeInt(a.layerCount());
        writeList(a.workers(), out, (w, o) -> {
            o.writeUTF(w.worker().value());
            write(w.layers(), o);
            o.writeUTF(w.region());
            o.writeDouble(w.capacity());
            o.writeDouble(w.flow());
            o.writeLong(w.kvCapacityTokens());
        });
        writeList(a.edges(), out, (e, o) -> {
            o.writeUTF(e.from());
            o.writeUTF(e.to());
            o.writeDouble(e.capacity());
            o.writeDouble(e.flow());
        });
        out.writeDouble(a.maxFlow());
        out.writeDouble(a.bound());
        writeList(a.bottleneck(), out, (name, o) -> o.writeUTF(name));
    }

    static Allocation readAllocation(DataInput in) throws IOException {
        return new Allocation(
                in.readUTF(),
                in.readLong(),
                in.readLong(),
                in.readInt(),
                readList(
                        in,
                        i -> new WorkerFlow(
                                readWorker(i),
                                readRange(i),
                                i.readUTF(),
                                i.readDouble(),
                                i.readDouble(),
                                i.readLong())),
                readList(in, i -> new EdgeFlow(i.readUTF(), i.readUTF(), i.readDouble(), i.readDouble())),
                in.readDouble(),
                in.readDouble(),
                readList(in, DataInput::readUTF));
    }
}
