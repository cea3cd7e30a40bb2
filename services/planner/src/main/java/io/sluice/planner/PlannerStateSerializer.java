package io.sluice.planner;

import io.sluice.core.planning.CapacityEstimate;
import io.sluice.core.planning.CapacityEstimate.Pending;
import io.sluice.core.planning.CapacityEstimate.Steady;
import io.sluice.core.planning.LinkEstimate;
import io.sluice.core.planning.PlannerState;
import io.sluice.core.planning.PlannerState.LinkId;
import io.sluice.core.planning.PlannerState.Member;
import io.sluice.core.planning.Presence;
import io.sluice.core.planning.Rejection;
import java.io.DataInput;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * State of one model's planner as versioned bytes: every value begins with its version, so a newer program reads older
 * checkpoints. Stateless and thread-safe.
 */
public final class PlannerStateSerializer extends TypeSerializerSingleton<PlannerState> {
    private static final long serialVersionUID = 1L;

    /** The instance to use. */
    public static final PlannerStateSerializer INSTANCE = new PlannerStateSerializer();

    @Override
    public void serialize(PlannerState state, DataOutputView out) throws IOException {
        out.writeByte(DomainBytes.V4);
        out.writeUTF(state.model());
        out.writeLong(state.epoch());
        out.writeBoolean(state.placement().isPresent());
        if (state.placement().isPresent()) {
            DomainBytes.write(state.placement().get(), out);
        }
        out.writeBoolean(state.published().isPresent());
        if (state.published().isPresent()) {
            DomainBytes.write(state.published().get(), out);
        }
        out.writeLong(state.publishedMillis());
        out.writeBoolean(state.unsettled());
        DomainBytes.writeList(List.copyOf(state.members().values()), out, (m, o) -> {
            DomainBytes.write(m.status(), o);
            CapacityEstimate c = m.capacity();
            o.writeDouble(c.prefillTokensPerSecond());
            o.writeDouble(c.decodeTokensPerSecond());
            o.writeDouble(c.expectedSeconds());
            o.writeDouble(c.busySeconds());
            o.writeDouble(c.prefillTokens());
            o.writeDouble(c.decodeTokens());
            o.writeDouble(c.pending().expectedSeconds());
            o.writeDouble(c.pending().busySeconds());
            o.writeDouble(c.pending().batches());
            o.writeDouble(c.steady().expectedSeconds());
            o.writeDouble(c.steady().busySeconds());
            o.writeInt(c.steady().contradictions());
            o.writeLong(m.lastSequence());
            o.writeLong(m.seenMillis());
            o.writeUTF(m.lastFault() == null ? "" : m.lastFault().name());
        });
        DomainBytes.writeList(List.copyOf(state.links().entrySet()), out, (entry, o) -> {
            o.writeUTF(entry.getKey().from());
            o.writeUTF(entry.getKey().to());
            LinkEstimate e = entry.getValue();
            o.writeDouble(e.weight());
            o.writeDouble(e.meanBytes());
            o.writeDouble(e.meanMicros());
            o.writeDouble(e.bytesBytes());
            o.writeDouble(e.bytesMicros());
            o.writeDouble(e.microsMicros());
        });
        DomainBytes.writeList(List.copyOf(state.presences().values()), out, DomainBytes::write);
    }

    @Override
    public PlannerState deserialize(DataInputView in) throws IOException {
        int version = DomainBytes.checkVersion(in.readByte(), "planner state");
        PlannerState state = new PlannerState(in.readUTF(), in.readLong());
        var placement = in.readBoolean() ? DomainBytes.readPlan(in) : null;
        var published = in.readBoolean() ? DomainBytes.readAllocation(in) : null;
        state.restore(placement, published, in.readLong(), in.readBoolean());
        DomainBytes.readList(in, i -> {
                    var status = DomainBytes.readStatus(i, version);
                    var capacity = readCapacity(i, version);
                    long sequence = i.readLong();
                    long seen = i.readLong();
                    String fault = i.readUTF();
                    return new Member(
                            status,
                            capacity,
                            sequence,
                            seen,
                            fault.isEmpty() ? null : Rejection.Kind.valueOf(fault),
                            Presence.State.UNHEARD);
                })
                .forEach(m -> state.members().put(m.status().worker(), m));
        int links = in.readInt();
        for (int i = 0; i < links; i++) {
            LinkId link = new LinkId(in.readUTF(), in.readUTF());
            state.links()
                    .put(
                            link,
                            new LinkEstimate(
                                    in.readDouble(),
                                    in.readDouble(),
                                    in.readDouble(),
                                    in.readDouble(),
                                    in.readDouble(),
                                    in.readDouble()));
        }
        if (version >= DomainBytes.V4) {
            state.restorePresences(DomainBytes.readList(in, DomainBytes::readPresence));
        }
        return state;
    }

    private static CapacityEstimate readCapacity(DataInput in, int version) throws IOException {
        double prefill = in.readDouble();
        double decode = in.readDouble();
        double expected = in.readDouble();
        double busy = in.readDouble();
        double prefillTokens = in.readDouble();
        double decodeTokens = in.readDouble();
        Pending pending = new Pending(in.readDouble(), in.readDouble(), in.readDouble());
        Steady steady = version == DomainBytes.V1
                ? new Steady(expected, busy, 0)
                : new Steady(in.readDouble(), in.readDouble(), in.readInt());
        return new CapacityEstimate(prefill, decode, expected, busy, prefillTokens, decodeTokens, pending, steady);
    }

    @Override
    public PlannerState copy(PlannerState from) {
        PlannerState copy = new PlannerState(from.model(), from.epoch());
        copy.restore(
                from.placement().orElse(null), from.published().orElse(null), from.publishedMillis(), from.unsettled());
        copy.members().putAll(from.members());
        copy.links().putAll(from.links());
        copy.restorePresences(from.presences().values());
        return copy;
    }

    @Override
    public PlannerState copy(PlannerState from, PlannerState reuse) {
        return copy(from);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        serialize(deserialize(source), target);
    }

    @Override
    public PlannerState deserialize(PlannerState reuse, DataInputView in) throws IOException {
        return deserialize(in);
    }

    @Override
    public boolean isImmutableType() {
        return false;
    }

    @Override
    public PlannerState createInstance() {
        return new PlannerState("", 0);
    }

    @Override
    public int getLength() {
        return -1;
    }

    @Override
    public TypeSerializerSnapshot<PlannerState> snapshotConfiguration() {
        return new Snapshot();
    }

    /** The layout is versioned value by value, so any two snapshots are compatible. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<PlannerState> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
