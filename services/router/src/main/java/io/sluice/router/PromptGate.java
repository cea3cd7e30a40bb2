package io.sluice.router;

import io.sluice.core.SessionId;
import io.sluice.core.routing.PromptPace;
import io.sluice.core.routing.PromptWindow;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The prompts of one model that this router has sent and that have no first token yet, and how many there may be: the
 * core's {@link PromptWindow} with the times alone that {@link PromptPace} learns. It is open until those are known.
 * Prompts are counted by session, once, so that no count becomes negative. Not thread-safe.
 */
final class PromptGate {
    /** The window to begin with, and at most, as in the simulator's settings. */
    static final int FIRST_PROMPTS = 12;

    static final int MOST_PROMPTS = 64;

    private final PromptPace pace = new PromptPace();
    private final Map<SessionId, Started> underWay = new LinkedHashMap<>();
    /** Null while the pace is not known. */
    private PromptWindow window;

    /**
     * A prompt that was sent.
     *
     * @param timed whether {@code atMs} is when, and its first token tells how long it took
     * @param amongFew as in {@link PromptPace#seen}
     */
    private record Started(int tokens, boolean timed, long atMs, boolean amongFew) {}

    /** Whether a new prompt may be sent now. */
    boolean admits(int promptTokens) {
        return window == null || window.admits(promptTokens);
    }

    /** A new prompt is sent. */
    void started(SessionId session, int promptTokens, long nowMs) {
        start(session, promptTokens, true, nowMs);
    }

    /** One was sent before a restart of the router; what it takes tells nothing. */
    void restored(SessionId session, int promptTokens) {
        start(session, promptTokens, false, 0);
    }

    private void start(SessionId session, int promptTokens, boolean timed, long atMs) {
        if (underWay.containsKey(session)) {
            return;
        }
        if (window != null) {
            window.started(promptTokens);
        }
        underWay.put(session, new Started(promptTokens, timed, atMs, window != null && window.isQuiet()));
    }

    /**
     * The session has its first token.
     *
     * @param kvHeld as in {@link PromptWindow#kvHeld}
     * @return false when its prompt was not counted, or no more
     */
    boolean firstToken(SessionId session, long nowMs, double kvHeld) {
        Started prompt = underWay.get(session);
        if (prompt == null || !prompt.timed || nowMs < prompt.atMs) {
            return over(session);
        }
        underWay.remove(session);
        double seconds = (nowMs - prompt.atMs) / 1000.0;
        pace.seen(prompt.tokens, seconds, prompt.amongFew);
        if (window != null) {
            window.kvHeld(kvHeld);
            window.finished(prompt.tokens, seconds, pace.aloneSeconds(prompt.tokens));
        } else if (pace.isKnown()) {
            window = new PromptWindow(FIRST_PROMPTS, MOST_PROMPTS, pace.meanTokens());
            underWay.values().forEach(other -> window.started(other.tokens));
        }
        return true;
    }

    /** The prompt is computed no more, or in an attempt that is not counted; false when it was not counted before. */
    boolean over(SessionId session) {
        Started prompt = underWay.remove(session);
        if (prompt != null && window != null) {
            window.finished(prompt.tokens);
        }
        return prompt != null;
    }

    /** Prompts that are being computed. */
    int prompts() {
        return underWay.size();
    }

    /** Prompts of usual length that may be computed at once; 0 while there is no limit. */
    double limit() {
        return window == null ? 0 : window.limit();
    }
}
