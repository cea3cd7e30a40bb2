package io.sluice.core.routing;

import io.sluice.core.WorkerId;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What the router has seen of one running session since it took it up: how fast its tokens come, and, while it is being
 * recovered, what is known of its loss. A restart may forget all of it; then it is found out once more. Used by one task.
 */
public final class SessionWatch {
    /** Part by which the newest token changes the usual time per token. */
    private static final double NEWEST_WEIGHT = 0.1;

    private static final long AVOID_MS = 500;

    /** Highest attempt that an earlier life of the router may have used without a record of it. */
    private final int floor;

    private final Set<WorkerId> emptied = new TreeSet<>();
    private final Map<WorkerId, Long> avoidedUntilMs = new TreeMap<>();
    private boolean logUsable = true;
    private int avoidances;
    private int nudges;
    private long progressMs;
    private boolean tokenBefore;
    private double usualMs;
    private double expectedMs;
    private String cause = "";
    private String what = "";
    private String mode = "";
    private String obstacle = "";
    private long interruptedMs;

    public SessionWatch(int floor, long nowMs) {
        this.floor = floor;
        this.progressMs = nowMs;
    }

    public int floor() {
        return floor;
    }

    /** A token was accepted. Returns the milliseconds since the session was interrupted; -1: it was not. */
    public long token(long nowMs) {
        boolean recovered = interruptedMs > 0 && !mode.isEmpty();
        long took = recovered ? nowMs - interruptedMs : -1;
        if (!recovered && tokenBefore) {
            double ms = nowMs - progressMs;
            usualMs = usualMs == 0 ? ms : usualMs + NEWEST_WEIGHT * (ms - usualMs);
        }
        tokenBefore = true;
        progressMs = nowMs;
        if (recovered) {
            interruptedMs = 0;
            logUsable = true;
            nudges = 0;
            expectedMs = 0;
        }
        return took;
    }

    /** When its last token came, or it was taken up, milliseconds. */
    public long progressMs() {
        return progressMs;
    }

    /** Usual time from token to token, milliseconds; 0: not known. */
    public double usualMs() {
        return usualMs;
    }

    /** What the last attempt was expected to cost before its first token, milliseconds. */
    public double expectedMs() {
        return expectedMs;
    }

    /** It does not go on as it is. */
    public void interrupted(String newCause, String newWhat, long nowMs) {
        cause = newCause;
        what = newWhat;
        mode = "";
        obstacle = newWhat;
        if (interruptedMs == 0) {
            interruptedMs = nowMs;
        }
    }

    /** It runs in a new attempt. */
    public void reassigned(String newMode, double seconds) {
        mode = newMode;
        expectedMs = seconds * 1000;
        obstacle = "";
        emptied.clear();
    }

    /** A worker has lost what it held of the session. */
    public void empty(WorkerId worker) {
        emptied.add(worker);
    }

    public Set<WorkerId> emptied() {
        return emptied;
    }

    /** A worker cannot take the session now; each time it is left alone for twice as long. */
    public void avoid(WorkerId worker, long nowMs) {
        avoidedUntilMs.put(worker, nowMs + (AVOID_MS << Math.min(6, avoidances++)));
    }

    public Set<WorkerId> avoided(long nowMs) {
        avoidedUntilMs.values().removeIf(until -> until <= nowMs);
        return avoidedUntilMs.keySet();
    }

    /** Nothing that these workers hold, nor the log, is trusted: from the prompt, and elsewhere if there is an elsewhere. */
    public void startAnew(Set<WorkerId> workers, long nowMs) {
        emptied.addAll(workers);
        // Past by the next try.
        workers.forEach(worker -> avoidedUntilMs.merge(worker, nowMs + 1, Math::max));
        logUsable = false;
    }

    public void logGone() {
        logUsable = false;
    }

    public boolean logUsable() {
        return logUsable;
    }

    /** Nothing came of it for long: counts how often, since the last token. */
    public int nudge() {
        return ++nudges;
    }

    public int nudges() {
        return nudges;
    }

    public void blocked(String message) {
        obstacle = what.isEmpty() ? message : what + "; " + message;
    }

    /** Why it does not run; empty when it does. */
    public String obstacle() {
        return obstacle;
    }

    public String cause() {
        return cause;
    }

    public String what() {
        return what;
    }

    public String mode() {
        return mode;
    }
}
