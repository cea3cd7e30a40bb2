package io.sluice.router;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionPhase;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Bytes of the session store: private to the router, so no registry schema, but with a version, because the changelog
 * outlives the program. Stateless.
 */
final class StateCodec {
    private static final int VERSION = 1;

    private StateCodec() {}

    static byte[] encode(StoredSession session) {
        try (ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(VERSION);
            writeLife(out, session.life());
            out.writeLong(session.assignedMs());
            out.writeBoolean(session.request() != null);
            if (session.request() != null) {
                writeRequest(out, session.request());
            }
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static StoredSession decode(byte[] bytes) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            int version = in.readByte();
            if (version != VERSION) {
                throw new IllegalStateException("the session store holds format " + version + ", this router reads "
                        + VERSION
                        + "; finish its sessions with the version that wrote them or use another application id");
            }
            SessionLife life = readLife(in);
            long assignedMs = in.readLong();
            return new StoredSession(in.readBoolean() ? readRequest(in, life.id()) : null, life, assignedMs);
        } catch (IOException e) {
            throw new UncheckedIOException("the session store holds a broken entry of " + bytes.length + " bytes", e);
        }
    }

    private static void writeLife(DataOutputStream out, SessionLife life) throws IOException {
        out.writeUTF(life.id().value());
        out.writeUTF(life.phase().name());
        out.writeInt(life.attempt());
        out.writeLong(life.epoch());
        out.writeInt(life.nextIndex());
        out.writeLong(life.changedMs());
        out.writeLong(life.deadlineMs());
        List<Stage> stages =
                life.pipeline() == null ? List.of() : life.pipeline().stages();
        out.writeInt(stages.size());
        for (Stage stage : stages) {
            out.writeUTF(stage.worker().value());
            out.writeInt(stage.layers().first());
            out.writeInt(stage.layers().end());
        }
    }

    private static SessionLife readLife(DataInputStream in) throws IOException {
        SessionId id = new SessionId(in.readUTF());
        SessionPhase phase = SessionPhase.valueOf(in.readUTF());
        int attempt = in.readInt();
        long epoch = in.readLong();
        int nextIndex = in.readInt();
        long changedMs = in.readLong();
        long deadlineMs = in.readLong();
        List<Stage> stages = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            stages.add(new Stage(new WorkerId(in.readUTF()), new LayerRange(in.readInt(), in.readInt())));
        }
        Pipeline pipeline = stages.isEmpty() ? null : new Pipeline(stages);
        return new SessionLife(id, phase, attempt, epoch, pipeline, nextIndex, changedMs, deadlineMs);
    }

    private static void writeRequest(DataOutputStream out, RoutedRequest request) throws IOException {
        out.writeUTF(request.model());
        out.writeUTF(request.tenant());
        out.writeInt(request.promptIds().length);
        for (int id : request.promptIds()) {
            out.writeInt(id);
        }
        out.writeInt(request.maxTokens());
        out.writeInt(request.kvTokens());
        out.writeFloat(request.temperature());
        out.writeInt(request.topK());
        out.writeFloat(request.topP());
        out.writeLong(request.seed());
        out.writeBoolean(request.ignoreEos());
        out.writeUTF(request.serviceClass().name());
        out.writeInt(request.regions().size());
        for (String region : request.regions()) {
            out.writeUTF(region);
        }
        out.writeLong(request.arrivalMs());
        out.writeLong(request.deadlineMs());
        out.writeLong(request.originOffset());
    }

    private static RoutedRequest readRequest(DataInputStream in, SessionId id) throws IOException {
        String model = in.readUTF();
        String tenant = in.readUTF();
        int[] prompt = new int[in.readInt()];
        for (int i = 0; i < prompt.length; i++) {
            prompt[i] = in.readInt();
        }
        int maxTokens = in.readInt();
        int kvTokens = in.readInt();
        float temperature = in.readFloat();
        int topK = in.readInt();
        float topP = in.readFloat();
        long seed = in.readLong();
        boolean ignoreEos = in.readBoolean();
        ServiceClass serviceClass = ServiceClass.valueOf(in.readUTF());
        List<String> regions = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            regions.add(in.readUTF());
        }
        return new RoutedRequest(
                id,
                model,
                tenant,
                prompt,
                maxTokens,
                kvTokens,
                temperature,
                topK,
                topP,
                seed,
                ignoreEos,
                serviceClass,
                List.copyOf(regions),
                in.readLong(),
                in.readLong(),
                in.readLong());
    }
}
