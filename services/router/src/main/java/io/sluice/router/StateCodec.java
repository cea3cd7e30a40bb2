package io.sluice.router;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.Assignment;
import io.sluice.core.recovery.LogRange;
import io.sluice.core.recovery.ResumeMode;
import io.sluice.core.recovery.StageResume;
import io.sluice.core.routing.AttemptNotes;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionPhase;
import io.sluice.core.slo.Slo;
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
    private static final int VERSION = 4;
    /** No request has latency objectives. */
    private static final int VERSION_WITHOUT_SLO = 3;
    /** Every tenant weighs the same. */
    private static final int VERSION_WITHOUT_WEIGHT = 2;
    /** One attempt at most, and nothing noted of it. */
    private static final int VERSION_WITHOUT_ATTEMPTS = 1;

    private StateCodec() {}

    static byte[] encode(StoredSession session) {
        try (ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(VERSION);
            writeLife(out, session.life());
            writeAttempts(out, session.life().assignments());
            writeNotes(out, session.notes());
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
            if (version < VERSION_WITHOUT_ATTEMPTS || version > VERSION) {
                throw new IllegalStateException("the session store holds format " + version + ", this router reads "
                        + VERSION_WITHOUT_ATTEMPTS + " to " + VERSION
                        + "; finish its sessions with the version that wrote them or use another application id");
            }
            SessionLife life = readLife(in);
            AttemptNotes notes = AttemptNotes.NONE;
            if (version > VERSION_WITHOUT_ATTEMPTS) {
                life = withAttempts(life, readAttempts(in));
                notes = readNotes(in);
            }
            long assignedMs = in.readLong();
            RoutedRequest request = in.readBoolean() ? readRequest(in, life.id(), version) : null;
            return new StoredSession(request, life, assignedMs, notes);
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
        writeStages(out, life.pipeline() == null ? List.of() : life.pipeline().stages());
    }

    private static void writeStages(DataOutputStream out, List<Stage> stages) throws IOException {
        out.writeInt(stages.size());
        for (Stage stage : stages) {
            out.writeUTF(stage.worker().value());
            out.writeInt(stage.layers().first());
            out.writeInt(stage.layers().end());
        }
    }

    private static List<Stage> readStages(DataInputStream in) throws IOException {
        List<Stage> stages = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            stages.add(new Stage(new WorkerId(in.readUTF()), new LayerRange(in.readInt(), in.readInt())));
        }
        return stages;
    }

    private static SessionLife readLife(DataInputStream in) throws IOException {
        SessionId id = new SessionId(in.readUTF());
        SessionPhase phase = SessionPhase.valueOf(in.readUTF());
        int attempt = in.readInt();
        long epoch = in.readLong();
        int nextIndex = in.readInt();
        long changedMs = in.readLong();
        long deadlineMs = in.readLong();
        List<Stage> stages = readStages(in);
        Pipeline pipeline = stages.isEmpty() ? null : new Pipeline(stages);
        return new SessionLife(id, phase, attempt, epoch, pipeline, nextIndex, changedMs, deadlineMs);
    }

    private static SessionLife withAttempts(SessionLife life, List<Assignment> attempts) {
        return new SessionLife(
                life.id(),
                life.phase(),
                life.attempt(),
                life.epoch(),
                life.pipeline(),
                life.nextIndex(),
                life.changedMs(),
                life.deadlineMs(),
                attempts);
    }

    private static void writeAttempts(DataOutputStream out, List<Assignment> attempts) throws IOException {
        out.writeInt(attempts.size());
        for (Assignment attempt : attempts) {
            out.writeInt(attempt.attempt());
            out.writeInt(attempt.position());
            writeStages(out, attempt.pipeline().stages());
            for (StageResume resume : attempt.stages()) {
                out.writeUTF(resume.mode().name());
                out.writeInt(resume.start());
                out.writeInt(resume.log().size());
                for (LogRange range : resume.log()) {
                    out.writeUTF(range.worker().value());
                    out.writeLong(range.firstOffset());
                    out.writeLong(range.endOffset());
                }
            }
        }
    }

    private static List<Assignment> readAttempts(DataInputStream in) throws IOException {
        List<Assignment> attempts = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            int number = in.readInt();
            int position = in.readInt();
            Pipeline pipeline = new Pipeline(readStages(in));
            List<StageResume> resumes = new ArrayList<>();
            for (int stage = 0; stage < pipeline.stages().size(); stage++) {
                ResumeMode mode = ResumeMode.valueOf(in.readUTF());
                int start = in.readInt();
                List<LogRange> log = new ArrayList<>();
                for (int ranges = in.readInt(); ranges > 0; ranges--) {
                    log.add(new LogRange(new WorkerId(in.readUTF()), in.readLong(), in.readLong()));
                }
                resumes.add(new StageResume(mode, start, log));
            }
            attempts.add(new Assignment(number, pipeline, position, resumes));
        }
        return attempts;
    }

    private static void writeNotes(DataOutputStream out, AttemptNotes notes) throws IOException {
        out.writeInt(notes.seen());
        out.writeInt(notes.fruitless());
        out.writeInt(notes.failures());
        out.writeInt(notes.incarnations().size());
        for (long incarnation : notes.incarnations()) {
            out.writeLong(incarnation);
        }
    }

    private static AttemptNotes readNotes(DataInputStream in) throws IOException {
        int seen = in.readInt();
        int fruitless = in.readInt();
        int failures = in.readInt();
        List<Long> incarnations = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            incarnations.add(in.readLong());
        }
        return new AttemptNotes(seen, fruitless, failures, incarnations);
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
        out.writeDouble(request.weight());
        // Objectives are at least 1 ms: 0 is none.
        out.writeLong(request.slo().ttftMs().orElse(0));
        out.writeLong(request.slo().tpotMs().orElse(0));
        out.writeInt(request.regions().size());
        for (String region : request.regions()) {
            out.writeUTF(region);
        }
        out.writeLong(request.arrivalMs());
        out.writeLong(request.deadlineMs());
        out.writeLong(request.originOffset());
    }

    private static Slo readSlo(DataInputStream in) throws IOException {
        long ttftMs = in.readLong();
        long tpotMs = in.readLong();
        return Slo.of(ttftMs == 0 ? null : ttftMs, tpotMs == 0 ? null : tpotMs);
    }

    private static RoutedRequest readRequest(DataInputStream in, SessionId id, int version) throws IOException {
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
        double weight = version > VERSION_WITHOUT_WEIGHT ? in.readDouble() : 1;
        Slo slo = version > VERSION_WITHOUT_SLO ? readSlo(in) : Slo.NONE;
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
                weight,
                slo,
                List.copyOf(regions),
                in.readLong(),
                in.readLong(),
                in.readLong());
    }
}
