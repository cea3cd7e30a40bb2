package io.sluice.core.stage;

import io.sluice.core.SessionId;
import io.sluice.core.recovery.ResumeMode;
import io.sluice.core.recovery.StageResume;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * What one stage knows of its sessions, and nothing of what it computes: the newest attempt of each, the next position
 * expected, and which attempts are over. It holds the two rules on which recovery stands: a chunk of an older attempt
 * than the newest seen, or of an attempt that has ended, is refused (invariant 3); and a position is computed once per
 * attempt, in order.
 *
 * <p>What has ended is remembered for the newest sessions, as many as the constructor says. Not thread-safe.
 */
public final class StageLedger {
    /** Sessions whose end is remembered, so that a late chunk cannot open them again. */
    public static final int REMEMBERED = 8_192;

    private final Map<SessionId, Entry> live = new LinkedHashMap<>();
    private final Map<SessionId, Integer> ended;

    private static final class Entry {
        private final int attempt;
        private int expected;
        /** False until the attempt's set-up has come. */
        private boolean begun;

        private Entry(int attempt) {
            this.attempt = attempt;
        }
    }

    /** What to do with a chunk. */
    public enum Verdict {
        /** It is the next one. */
        NEXT,
        /** One before it, or the set-up, is still to come. */
        EARLY,
        /** It was taken before. */
        REPEATED,
        /** Its attempt is older than the newest seen, or over. */
        FENCED
    }

    /** What to do with what the stage has of the session, when an attempt begins. */
    public enum Opening {
        /** Nothing is of use: drop what there is and reserve anew. */
        EMPTY,
        /** Keep the KV cache, but only its positions before the start; drop what waits to be computed. */
        KEPT,
        /** The session was to keep KV cache that is not here: it cannot go on in this attempt. */
        STATE_LOST
    }

    public StageLedger() {
        this(REMEMBERED);
    }

    /** @param remembered sessions whose end is remembered */
    public StageLedger(int remembered) {
        ended = new LinkedHashMap<>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<SessionId, Integer> eldest) {
                return size() > remembered;
            }
        };
    }

    /** True when the attempt is older than the newest seen of this session, or over. */
    public boolean isFenced(SessionId session, int attempt) {
        Entry current = live.get(session);
        if (current != null) {
            return attempt < current.attempt;
        }
        Integer last = ended.get(session);
        return last != null && attempt <= last;
    }

    /** Newest attempt seen of a session, live or over; 0 when none is known. */
    public int newest(SessionId session) {
        Entry entry = live.get(session);
        return Math.max(entry == null ? 0 : entry.attempt, ended.getOrDefault(session, 0));
    }

    /** Newest attempt of a session that is live here; 0 when it is not. */
    public int attempt(SessionId session) {
        Entry entry = live.get(session);
        return entry == null ? 0 : entry.attempt;
    }

    /** Next position expected; 0 of a session that is not live. */
    public int expected(SessionId session) {
        Entry entry = live.get(session);
        return entry == null ? 0 : entry.expected;
    }

    /** Whether the set-up of the newest attempt has come. */
    public boolean begun(SessionId session) {
        Entry entry = live.get(session);
        return entry != null && entry.begun;
    }

    /**
     * Something of an attempt has come: from now on older ones are fenced. Does nothing when it is the newest known. A
     * session that is live keeps its KV cache until {@link #begin} says what becomes of it.
     *
     * @throws IllegalArgumentException when the attempt is fenced; callers ask first
     */
    public void open(SessionId session, int attempt) {
        requireUnfenced(session, attempt);
        opened(session, attempt);
    }

    /**
     * A chunk has come; opens its attempt as {@link #open} does.
     *
     * @return how the chunk is to be treated; nothing is counted as taken yet
     */
    public Verdict offer(SessionId session, int attempt, int position) {
        if (isFenced(session, attempt)) {
            return Verdict.FENCED;
        }
        Entry entry = opened(session, attempt);
        if (entry.begun && position < entry.expected) {
            return Verdict.REPEATED;
        }
        return entry.begun && position == entry.expected ? Verdict.NEXT : Verdict.EARLY;
    }

    /**
     * The set-up of an attempt has come.
     *
     * @param resume what the attempt wants of this stage
     * @param computed positions in the KV cache that the stage has of this session over the same layers; -1: none, or
     *     over others
     * @throws IllegalArgumentException when the attempt is fenced; callers ask first
     */
    public Opening begin(SessionId session, int attempt, StageResume resume, int computed) {
        Objects.requireNonNull(resume, "resume");
        requireUnfenced(session, attempt);
        Entry entry = opened(session, attempt);
        if (entry.begun) {
            throw new IllegalArgumentException("attempt " + attempt + " of session " + session + " has begun already");
        }
        entry.begun = true;
        if (resume.mode() == ResumeMode.KEEP) {
            entry.expected = resume.start();
            return computed >= resume.start() ? Opening.KEPT : Opening.STATE_LOST;
        }
        // A rebuild reads positions from 0 on too, only from the log instead of from the stage before.
        entry.expected = 0;
        return Opening.EMPTY;
    }

    /** The chunk that was next has been taken. */
    public void taken(SessionId session, int end) {
        Entry entry = live.get(session);
        if (entry == null || !entry.begun || end <= entry.expected) {
            throw new IllegalArgumentException("session " + session + " cannot have taken positions before " + end
                    + ": " + (entry == null ? "it is not live" : "it expects " + entry.expected));
        }
        entry.expected = end;
    }

    /**
     * Fences this attempt and all before it, and removes the session unless a newer attempt of it is live.
     *
     * @return whether the session was live and no longer is
     */
    public boolean end(SessionId session, int attempt) {
        Entry entry = live.get(session);
        if (entry != null && entry.attempt > attempt) {
            return false;
        }
        live.remove(session);
        Integer former = ended.remove(session); // re-inserted as the newest
        ended.put(session, former == null ? attempt : Math.max(former, attempt));
        return entry != null;
    }

    private Entry opened(SessionId session, int attempt) {
        Entry entry = live.get(session);
        if (entry == null || entry.attempt < attempt) {
            entry = new Entry(attempt);
            live.put(session, entry);
        }
        return entry;
    }

    private void requireUnfenced(SessionId session, int attempt) {
        if (isFenced(session, attempt)) {
            throw new IllegalArgumentException("attempt " + attempt + " of session " + session + " is fenced");
        }
    }

    /** Sessions live here. */
    public int size() {
        return live.size();
    }
}
