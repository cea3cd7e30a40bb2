package io.sluice.planner;

import io.sluice.core.sharing.GroupEstimate;
import io.sluice.core.sharing.GroupPool;
import io.sluice.core.sharing.GroupPoolState;
import io.sluice.core.sharing.KernelGroup;
import io.sluice.core.sharing.TenantId;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.List;

/** What is known of kernel groups on pools as part of a value of {@link LimitStateSerializer}. Stateless and thread-safe. */
final class GroupPoolBytes {
    private GroupPoolBytes() {}

    static void write(GroupPoolState s, DataOutput out) throws IOException {
        DomainBytes.writeList(s.sizes(), out, (size, o) -> o.writeInt(size));
        DomainBytes.writeList(s.groups(), out, GroupPoolBytes::write);
        writePools(s.plan(), out);
        out.writeLong(s.sinceNanos());
        DomainBytes.writeList(s.trying(), out, (size, o) -> o.writeInt(size));
        out.writeLong(s.triedNanos());
        out.writeLong(s.restUntilNanos());
        out.writeInt(s.sameAnswers());
    }

    static GroupPoolState readState(DataInput in) throws IOException {
        return new GroupPoolState(
                DomainBytes.readList(in, DataInput::readInt),
                DomainBytes.readList(in, GroupPoolBytes::readEstimate),
                readPools(in),
                in.readLong(),
                DomainBytes.readList(in, DataInput::readInt),
                in.readLong(),
                in.readLong(),
                in.readInt());
    }

    static void writePools(List<GroupPool> pools, DataOutput out) throws IOException {
        DomainBytes.writeList(pools, out, (pool, o) -> {
            write(pool.group(), o);
            o.writeInt(pool.lanes());
        });
    }

    static List<GroupPool> readPools(DataInput in) throws IOException {
        return DomainBytes.readList(in, i -> new GroupPool(readGroup(i), i.readInt()));
    }

    private static void write(GroupEstimate estimate, DataOutput out) throws IOException {
        write(estimate.group(), out);
        out.writeLong(estimate.firstNanos());
        out.writeLong(estimate.seenNanos());
        out.writeDouble(estimate.unitsPerSecond());
        LimitStateSerializer.write(estimate.speed(), out);
        LimitStateSerializer.write(estimate.energy(), out);
    }

    private static GroupEstimate readEstimate(DataInput in) throws IOException {
        return new GroupEstimate(
                readGroup(in),
                in.readLong(),
                in.readLong(),
                in.readDouble(),
                LimitStateSerializer.readCurve(in),
                LimitStateSerializer.readCurve(in));
    }

    private static void write(KernelGroup group, DataOutput out) throws IOException {
        out.writeUTF(group.tenant().value());
        out.writeUTF(group.name());
    }

    private static KernelGroup readGroup(DataInput in) throws IOException {
        return new KernelGroup(new TenantId(in.readUTF()), in.readUTF());
    }
}
