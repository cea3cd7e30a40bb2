package io.sluice.planner;

import io.sluice.core.planning.DeviceSample;
import io.sluice.core.planning.LinkSample;
import io.sluice.core.planning.LinkSample.Transfer;
import io.sluice.core.planning.PlannerCommand;
import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Commands between decoder and planner as versioned bytes. Stateless and thread-safe. */
final class PlannerInputSerializer extends TypeSerializerSingleton<PlannerInput> {
    private static final long serialVersionUID = 1L;
    static final PlannerInputSerializer INSTANCE = new PlannerInputSerializer();

    private static final int ANNOUNCE = 0;
    private static final int PLACE = 1;
    private static final int DEVICE = 2;
    private static final int LINK = 3;
    private static final int TICK = 4;
    private static final int ATTEND = 5;

    @Override
    public void serialize(PlannerInput input, DataOutputView out) throws IOException {
        out.writeByte(DomainBytes.V2);
        out.writeUTF(input.topic());
        out.writeInt(input.partition());
        out.writeLong(input.offset());
        switch (input.command()) {
            case PlannerCommand.Announce c -> {
                out.writeByte(ANNOUNCE);
                DomainBytes.write(c.status(), out);
            }
            case PlannerCommand.Place c -> {
                out.writeByte(PLACE);
                DomainBytes.write(c.placement(), out);
            }
            case PlannerCommand.MeasureDevice c -> {
                out.writeByte(DEVICE);
                write(c.sample(), out);
            }
            case PlannerCommand.MeasureLink c -> {
                out.writeByte(LINK);
                write(c.sample(), out);
            }
            case PlannerCommand.Attend c -> {
                out.writeByte(ATTEND);
                out.writeUTF(c.model());
                DomainBytes.write(c.presence(), out);
            }
            case PlannerCommand.Tick c -> {
                out.writeByte(TICK);
                out.writeUTF(c.model());
            }
        }
    }

    private static void write(DeviceSample s, DataOutputView out) throws IOException {
        out.writeUTF(s.model());
        out.writeUTF(s.worker().value());
        out.writeLong(s.incarnation());
        out.writeLong(s.sequence());
        out.writeLong(s.atMillis());
        out.writeLong(s.intervalMillis());
        out.writeLong(s.busyMicros());
        out.writeDouble(s.utilization());
        out.writeLong(s.prefillTokens());
        out.writeLong(s.decodeTokens());
        out.writeLong(s.batches());
    }

    private static void write(LinkSample s, DataOutputView out) throws IOException {
        out.writeUTF(s.model());
        out.writeUTF(s.from());
        out.writeUTF(s.to());
        out.writeLong(s.atMillis());
        DomainBytes.writeList(s.transfers(), out, (t, o) -> {
            o.writeLong(t.bytes());
            o.writeLong(t.micros());
        });
    }

    @Override
    public PlannerInput deserialize(DataInputView in) throws IOException {
        int version = DomainBytes.checkVersion(in.readByte(), "a planner command");
        String topic = in.readUTF();
        int partition = in.readInt();
        long offset = in.readLong();
        return new PlannerInput(readCommand(in, version), topic, partition, offset);
    }

    private static PlannerCommand readCommand(DataInputView in, int version) throws IOException {
        int kind = in.readByte();
        return switch (kind) {
            case ANNOUNCE -> new PlannerCommand.Announce(DomainBytes.readStatus(in, version));
            case PLACE -> new PlannerCommand.Place(DomainBytes.readPlacement(in, version));
            case DEVICE ->
                new PlannerCommand.MeasureDevice(new DeviceSample(
                        in.readUTF(),
                        DomainBytes.readWorker(in),
                        in.readLong(),
                        in.readLong(),
                        in.readLong(),
                        in.readLong(),
                        in.readLong(),
                        in.readDouble(),
                        in.readLong(),
                        in.readLong(),
                        in.readLong()));
            case LINK ->
                new PlannerCommand.MeasureLink(new LinkSample(
                        in.readUTF(),
                        in.readUTF(),
                        in.readUTF(),
                        in.readLong(),
                        DomainBytes.readList(in, i -> new Transfer(i.readLong(), i.readLong()))));
            case ATTEND -> new PlannerCommand.Attend(in.readUTF(), DomainBytes.readPresence(in));
            case TICK -> new PlannerCommand.Tick(in.readUTF());
            default -> throw new IOException("a planner command of kind " + kind + " is not known");
        };
    }

    @Override
    public boolean isImmutableType() {
        return true;
    }

    @Override
    public PlannerInput createInstance() {
        return new PlannerInput(new PlannerCommand.Tick(""), "", 0, 0);
    }

    @Override
    public PlannerInput copy(PlannerInput from) {
        return from;
    }

    @Override
    public PlannerInput copy(PlannerInput from, PlannerInput reuse) {
        return from;
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        serialize(deserialize(source), target);
    }

    @Override
    public int getLength() {
        return -1;
    }

    @Override
    public PlannerInput deserialize(PlannerInput reuse, DataInputView in) throws IOException {
        return deserialize(in);
    }

    @Override
    public TypeSerializerSnapshot<PlannerInput> snapshotConfiguration() {
        return new Snapshot();
    }

    /** The layout is versioned value by value, so any two snapshots are compatible. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<PlannerInput> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
