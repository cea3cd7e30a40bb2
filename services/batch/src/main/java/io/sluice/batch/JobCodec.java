package io.sluice.batch;

import io.sluice.core.sharing.TenantId;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * Bytes of the job store: private to the service, so no registry schema, but with a version, because the changelog outlives
 * the program. Stateless.
 */
final class JobCodec {
    private static final int VERSION = 1;

    private JobCodec() {}

    static byte[] encode(Job job) {
        Job.Head head = job.head();
        try (ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(VERSION);
            out.writeUTF(head.id());
            out.writeLong(head.order());
            out.writeUTF(head.tenant().value());
            out.writeDouble(head.weight());
            out.writeUTF(head.model());
            out.writeInt(head.items());
            out.writeLong(head.createdMs());
            out.writeUTF(job.phase().name());
            out.writeLong(job.changedMs());
            out.writeInt(job.phase().isOver() ? job.done() : 0);
            out.writeInt(job.phase().isOver() ? job.failed() : 0);
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Job decode(byte[] bytes) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            int version = in.readByte();
            if (version != VERSION) {
                throw new IllegalStateException("the job store holds format " + version + ", this service reads "
                        + VERSION + "; finish its jobs with the version that wrote them or use another application id");
            }
            Job.Head head = new Job.Head(
                    in.readUTF(),
                    in.readLong(),
                    new TenantId(in.readUTF()),
                    in.readDouble(),
                    in.readUTF(),
                    in.readInt(),
                    in.readLong());
            return new Job(head, JobPhase.valueOf(in.readUTF()), in.readLong(), in.readInt(), in.readInt());
        } catch (IOException e) {
            throw new UncheckedIOException("the job store holds a broken entry of " + bytes.length + " bytes", e);
        }
    }
}
