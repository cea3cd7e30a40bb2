package io.sluice.planner;

import io.sluice.core.sharing.BesideState;
import io.sluice.core.sharing.GroupPoolState;
import io.sluice.core.sharing.IsotonicCurve;
import io.sluice.core.sharing.LimitState;
import io.sluice.core.sharing.LineFit;
import io.sluice.core.sharing.QuotaState;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.TenantEstimate;
import io.sluice.core.sharing.TenantId;
import io.sluice.core.sharing.TenantLevel;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * What is known of one worker's sharing as versioned bytes: every value begins with its version, so a newer program reads
 * older checkpoints. Stateless and thread-safe.
 */
final class LimitStateSerializer extends TypeSerializerSingleton<WorkerLimits> {
    private static final long serialVersionUID = 1L;
    private static final int VERSION = 3;
    /** Knew nothing of pools of kernel groups; the one before it, the first, of side lanes neither. */
    private static final int VERSION_WITHOUT_POOLS = 2;

    static final LimitStateSerializer INSTANCE = new LimitStateSerializer();

    @Override
    public void serialize(WorkerLimits worker, DataOutputView out) throws IOException {
        LimitState s = worker.state();
        out.writeByte(VERSION);
        out.writeUTF(worker.device());
        out.writeDouble(worker.layerNanos());
        out.writeLong(s.incarnation());
        out.writeLong(s.lastSequence());
        out.writeLong(s.lastAtNanos());
        out.writeLong(s.lastUsedNanos());
        out.writeLong(s.busyNanos());
        write(s.quota(), out);
        write(s.service(), out);
        out.writeDouble(s.serviceSpreadNanos());
        out.writeDouble(s.criticalDram());
        out.writeDouble(s.criticalL2());
        write(s.violations(), out);
        DomainBytes.writeList(s.tenants(), out, LimitStateSerializer::write);
        DomainBytes.writeList(s.levels(), out, LimitStateSerializer::write);
        out.writeLong(s.levelsSinceNanos());
        out.writeLong(s.releveledNanos());
        write(s.published(), out);
        out.writeLong(s.publishedNanos());
        out.writeLong(s.rejected());
        write(s.beside(), out);
        out.writeInt(s.published().sideLanes());
        GroupPoolBytes.write(s.pools(), out);
        GroupPoolBytes.writePools(s.published().groups(), out);
    }

    @Override
    public WorkerLimits deserialize(DataInputView in) throws IOException {
        int version = in.readByte();
        if (version < 1 || version > VERSION) {
            throw new IOException("limits of a worker were written in version " + version
                    + ", this program reads version " + VERSION
                    + "; start the version that wrote it, or go without its checkpoint");
        }
        String device = in.readUTF();
        double layerNanos = in.readDouble();
        LimitState state = new LimitState(
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                readQuota(in),
                readLine(in),
                in.readDouble(),
                in.readDouble(),
                in.readDouble(),
                readCurve(in),
                DomainBytes.readList(in, LimitStateSerializer::readTenant),
                DomainBytes.readList(in, LimitStateSerializer::readLevel),
                in.readLong(),
                in.readLong(),
                readLimits(in),
                in.readLong(),
                in.readLong(),
                BesideState.NONE,
                GroupPoolState.NONE);
        if (version >= VERSION_WITHOUT_POOLS) {
            state = readBeside(state, in);
        }
        if (version > VERSION_WITHOUT_POOLS) {
            state = state.with(GroupPoolBytes.readState(in), GroupPoolBytes.readPools(in));
        }
        return new WorkerLimits(state, device, layerNanos);
    }

    private static void write(QuotaState q, DataOutput out) throws IOException {
        out.writeDouble(q.level());
        out.writeLong(q.recent());
        out.writeLong(q.holdUntilNanos());
        out.writeLong(q.requests());
        out.writeLong(q.violations());
        out.writeLong(q.frozen());
        out.writeDouble(q.raised());
    }

    private static QuotaState readQuota(DataInput in) throws IOException {
        return new QuotaState(
                in.readDouble(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readDouble());
    }

    private static void write(LineFit line, DataOutput out) throws IOException {
        for (double number : new double[] {line.a(), line.b(), line.paa(), line.pab(), line.pbb()}) {
            out.writeDouble(number);
        }
        out.writeLong(line.points());
    }

    private static LineFit readLine(DataInput in) throws IOException {
        return new LineFit(
                in.readDouble(), in.readDouble(), in.readDouble(), in.readDouble(), in.readDouble(), in.readLong());
    }

    static void write(IsotonicCurve curve, DataOutput out) throws IOException {
        out.writeBoolean(curve.rising());
        for (List<Double> numbers : List.of(curve.knots(), curve.weights(), curve.means(), curve.squares())) {
            DomainBytes.writeList(numbers, out, (number, o) -> o.writeDouble(number));
        }
    }

    static IsotonicCurve readCurve(DataInput in) throws IOException {
        return new IsotonicCurve(in.readBoolean(), readNumbers(in), readNumbers(in), readNumbers(in), readNumbers(in));
    }

    private static List<Double> readNumbers(DataInput in) throws IOException {
        return DomainBytes.readList(in, DataInput::readDouble);
    }

    private static void write(TenantEstimate t, DataOutput out) throws IOException {
        out.writeUTF(t.tenant().value());
        out.writeDouble(t.weight());
        write(t.throughput(), out);
        out.writeDouble(t.dramBytesPerSecond());
        out.writeDouble(t.l2Bytes());
        out.writeDouble(t.watts());
        out.writeLong(t.seenNanos());
        out.writeLong(t.leastSliceNanos());
        out.writeLong(t.starvedNanos());
    }

    private static TenantEstimate readTenant(DataInput in) throws IOException {
        return new TenantEstimate(
                new TenantId(in.readUTF()),
                in.readDouble(),
                readCurve(in),
                in.readDouble(),
                in.readDouble(),
                in.readDouble(),
                in.readLong(),
                in.readLong(),
                in.readLong());
    }

    private static void write(BesideState b, DataOutput out) throws IOException {
        out.writeInt(b.most());
        out.writeInt(b.chosen());
        out.writeLong(b.sinceNanos());
        write(b.slowdown(), out);
        write(b.worth(), out);
        out.writeDouble(b.gapRate());
        out.writeDouble(b.aloneNanos());
        out.writeLong(b.restUntilNanos());
        out.writeInt(b.failures());
    }

    private static LimitState readBeside(LimitState state, DataInput in) throws IOException {
        BesideState beside = new BesideState(
                in.readInt(),
                in.readInt(),
                in.readLong(),
                readCurve(in),
                readCurve(in),
                in.readDouble(),
                in.readDouble(),
                in.readLong(),
                in.readInt());
        return state.with(beside, in.readInt());
    }

    private static void write(TenantLevel level, DataOutput out) throws IOException {
        out.writeUTF(level.tenant().value());
        out.writeDouble(level.admission());
        out.writeLong(level.sliceNanos());
        out.writeInt(level.lanes());
    }

    private static TenantLevel readLevel(DataInput in) throws IOException {
        return new TenantLevel(new TenantId(in.readUTF()), in.readDouble(), in.readLong(), in.readInt());
    }

    private static void write(SharingLimits limits, DataOutput out) throws IOException {
        out.writeLong(limits.epoch());
        out.writeDouble(limits.quota());
        out.writeLong(limits.sliceNanos());
        out.writeInt(limits.lanes());
        out.writeLong(limits.validUntilNanos());
        DomainBytes.writeList(limits.levels(), out, LimitStateSerializer::write);
    }

    private static SharingLimits readLimits(DataInput in) throws IOException {
        return new SharingLimits(
                in.readLong(),
                in.readDouble(),
                in.readLong(),
                in.readInt(),
                in.readLong(),
                DomainBytes.readList(in, LimitStateSerializer::readLevel));
    }

    @Override
    public WorkerLimits copy(WorkerLimits from) {
        return from;
    }

    @Override
    public WorkerLimits copy(WorkerLimits from, WorkerLimits reuse) {
        return from;
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        serialize(deserialize(source), target);
    }

    @Override
    public WorkerLimits deserialize(WorkerLimits reuse, DataInputView in) throws IOException {
        return deserialize(in);
    }

    @Override
    public boolean isImmutableType() {
        return true;
    }

    @Override
    public WorkerLimits createInstance() {
        return WorkerLimits.unknown();
    }

    @Override
    public int getLength() {
        return -1;
    }

    @Override
    public TypeSerializerSnapshot<WorkerLimits> snapshotConfiguration() {
        return new Snapshot();
    }

    /** The layout is versioned value by value, so any two snapshots are compatible. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<WorkerLimits> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
