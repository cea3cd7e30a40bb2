package io.sluice.worker;

import io.sluice.core.SessionId;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The sessions of this stage, and the fence: chunks of an older attempt than the newest seen, or of an attempt that has
 * ended, are refused. What has ended is remembered for the newest {@value #REMEMBERED} sessions. Owned by the compute
 * thread.
 */
final class SessionTable {
    static final int REMEMBERED = 8_192;

    private final Map<SessionId, StageSession> live = new LinkedHashMap<>();
    private final Map<SessionId, Integer> ended = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<SessionId, Integer> eldest) {
            return size() > REMEMBERED;
        }
    };

    /** True when the attempt is older than the newest seen of this session, or over. */
    boolean isFenced(SessionId session, int attempt) {
        StageSession current = live.get(session);
        if (current != null) {
            return attempt < current.attempt;
        }
        Integer last = ended.get(session);
        return last != null && attempt <= last;
    }

    /** Null when the session is not live here. */
    StageSession get(SessionId session) {
        return live.get(session);
    }

    StageSession open(SessionId session, int attempt, long nowNanos) {
        StageSession opened = new StageSession(session, attempt, nowNanos);
        live.put(session, opened);
        return opened;
    }

    /** Removes the session, if live, and fences this attempt and all before it. */
    void end(SessionId session, int attempt) {
        live.remove(session);
        Integer former = ended.remove(session); // re-inserted as the newest
        ended.put(session, former == null ? attempt : Math.max(former, attempt));
    }

    /** Live sessions, oldest first. */
    Collection<StageSession> live() {
        return live.values();
    }

    int size() {
        return live.size();
    }
}
