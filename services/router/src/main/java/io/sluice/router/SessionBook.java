package io.sluice.router;

import io.sluice.core.SessionId;
import io.sluice.core.routing.AdmissionQueue;
import io.sluice.core.routing.SessionLife;
import io.sluice.records.Token;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.Topics;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The sessions of one partition: in the stores what must survive, in memory what is asked per token. A token adds one
 * small entry to its store; the session's own entry, which holds the prompt, is written only when its phase changes.
 * Used by one task.
 */
final class SessionBook {
    private static final char SEPARATOR = '|';

    private final KeyValueStore<String, byte[]> sessions;
    private final KeyValueStore<String, byte[]> tokens;
    private final AvroDeserializer<Token> tokenReader;
    private final AdmissionQueue<StoredSession> queue;
    private final Map<String, StoredSession> running = new LinkedHashMap<>();
    private final ArrayDeque<SessionLife> ended = new ArrayDeque<>();

    SessionBook(
            KeyValueStore<String, byte[]> sessions,
            KeyValueStore<String, byte[]> tokens,
            AvroDeserializer<Token> tokenReader,
            int queueLimit) {
        this.sessions = sessions;
        this.tokens = tokens;
        this.tokenReader = tokenReader;
        this.queue = new AdmissionQueue<>(queueLimit);
    }

    /** Rebuilds memory from the stores; a running session gets a full time-out again from {@code nowMs} on. */
    void restore(long nowMs) {
        List<StoredSession> waiting = new ArrayList<>();
        List<SessionLife> over = new ArrayList<>();
        try (KeyValueIterator<String, byte[]> all = sessions.all()) {
            while (all.hasNext()) {
                StoredSession session = StateCodec.decode(all.next().value);
                SessionLife life = session.life();
                switch (life.phase()) {
                    case WAITING -> waiting.add(session);
                    case ACTIVE, RECOVERING ->
                        running.put(
                                life.id().value(),
                                session.with(
                                        resumed(life, storedTokens(life.id().value()), nowMs)));
                    case FINISHED, FAILED -> over.add(life);
                }
            }
        }
        waiting.sort(Comparator.comparingLong((StoredSession s) -> s.life().changedMs())
                .thenComparingLong(s -> s.request().originOffset()));
        waiting.forEach(this::queue);
        over.sort(Comparator.comparingLong(SessionLife::changedMs));
        ended.addAll(over);
    }

    AdmissionQueue<StoredSession> queue() {
        return queue;
    }

    Collection<StoredSession> running() {
        return running.values();
    }

    Optional<StoredSession> running(String id) {
        return Optional.ofNullable(running.get(id));
    }

    /** The session that holds this id, whether it waits, runs or has ended not long ago. */
    Optional<StoredSession> find(String id) {
        StoredSession live = running.get(id);
        return live != null
                ? Optional.of(live)
                : Optional.ofNullable(sessions.get(id)).map(StateCodec::decode);
    }

    /** State of the session that {@link #find} finds. */
    Optional<SessionLife> life(SessionId id) {
        return find(id.value()).map(StoredSession::life);
    }

    /** Keeps a session that waits. */
    void putWaiting(StoredSession session) {
        sessions.put(session.life().id().value(), StateCodec.encode(session));
        queue(session);
    }

    private void queue(StoredSession session) {
        SessionLife life = session.life();
        queue.restore(life.id(), session.request().serviceClass(), life.deadlineMs(), session);
    }

    /** Keeps a session that runs. */
    void putRunning(StoredSession session) {
        String id = session.life().id().value();
        sessions.put(id, StateCodec.encode(session));
        running.put(id, session);
    }

    /** Keeps in memory only what a restart may forget of a session that runs. */
    void note(StoredSession session) {
        running.put(session.life().id().value(), session);
    }

    /** The session's tokens, in order. */
    List<Token> tokens(SessionId id) {
        List<Token> taken = new ArrayList<>();
        try (KeyValueIterator<String, byte[]> range =
                tokens.range(key(id.value(), 0), key(id.value(), Integer.MAX_VALUE))) {
            range.forEachRemaining(entry -> taken.add(tokenReader.deserialize(Topics.TOKENS.name(), entry.value)));
        }
        return taken;
    }

    /** Keeps a token, and in memory how far the session is. */
    void putToken(StoredSession session, int index, byte[] record) {
        String id = session.life().id().value();
        tokens.put(key(id, index), record);
        running.put(id, session);
    }

    /** Remembers only that a session has ended and removes its tokens, which it returns in order. */
    List<Token> end(SessionLife life) {
        String id = life.id().value();
        running.remove(id);
        SessionLife rest = withoutAttempts(life);
        sessions.put(id, StateCodec.encode(new StoredSession(null, rest, 0)));
        ended.add(rest);
        List<Token> taken = new ArrayList<>();
        List<String> keys = new ArrayList<>();
        try (KeyValueIterator<String, byte[]> range = tokens.range(key(id, 0), key(id, Integer.MAX_VALUE))) {
            while (range.hasNext()) {
                KeyValue<String, byte[]> entry = range.next();
                taken.add(tokenReader.deserialize(Topics.TOKENS.name(), entry.value));
                keys.add(entry.key);
            }
        }
        keys.forEach(tokens::delete);
        return taken;
    }

    /** Forgets a session that waited in vain. */
    void drop(SessionId id) {
        sessions.delete(id.value());
    }

    /** The session that ended first among those remembered. */
    Optional<SessionLife> firstEnded() {
        return Optional.ofNullable(ended.peekFirst());
    }

    /** Forgets the session that ended first. */
    void forgetFirstEnded() {
        sessions.delete(ended.removeFirst().id().value());
    }

    private int storedTokens(String id) {
        int count = 0;
        try (KeyValueIterator<String, byte[]> range = tokens.range(key(id, 0), key(id, Integer.MAX_VALUE))) {
            for (; range.hasNext(); range.next()) {
                count++;
            }
        }
        return count;
    }

    private static SessionLife resumed(SessionLife life, int received, long nowMs) {
        return new SessionLife(
                life.id(),
                life.phase(),
                life.attempt(),
                life.epoch(),
                life.pipeline(),
                received,
                nowMs,
                life.deadlineMs(),
                life.assignments());
    }

    private static SessionLife withoutAttempts(SessionLife life) {
        return new SessionLife(
                life.id(),
                life.phase(),
                life.attempt(),
                life.epoch(),
                life.pipeline(),
                life.nextIndex(),
                life.changedMs(),
                life.deadlineMs());
    }

    /** The separator is no character of an id, and fixed-width digits sort like the numbers. */
    private static String key(String id, int index) {
        return id + SEPARATOR + String.format("%08x", index);
    }
}
