package io.sluice.core.routing;

import io.sluice.core.Pipeline;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * How much of each worker's KV cache the sessions in flight have reserved, in tokens (each over all layers the worker
 * holds). A reservation fits below {@code highWater x share x capacity}; on a worker on which nothing is reserved it
 * fits up to the whole capacity, so that a long session is not shut out by the mark or by a small share.
 *
 * <p>{@code share} is the part of the requests this router sees: several routers divide a worker's cache among them
 * without talking to each other. The lone session above the mark is the one case in which they can together promise
 * more than there is; the worker then lets it wait.
 *
 * <p>Reservations are by session, taken once and given back once, so that no count becomes negative. Not thread-safe.
 */
public final class KvBudget {
    private final double highWater;
    private double share = 1;
    private final Map<WorkerId, Long> capacities = new TreeMap<>();
    private final Map<WorkerId, Long> reserved = new TreeMap<>();
    private final Map<SessionId, Reservation> sessions = new HashMap<>();

    private record Reservation(Pipeline pipeline, long tokens) {}

    /** @param highWater part of a worker's cache that several sessions may fill, in (0, 1] */
    public KvBudget(double highWater) {
        this.highWater = fraction("high-water mark", highWater);
    }

    /** Sets the part of all requests that this router sees, in (0, 1]. */
    public void setShare(double share) {
        this.share = fraction("share", share);
    }

    /** Replaces all capacities; reservations on workers that are gone stay until their sessions end. */
    public void setCapacities(Map<WorkerId, Long> tokens) {
        capacities.clear();
        tokens.forEach((worker, capacity) -> capacities.put(worker, Math.max(0, capacity)));
    }

    /** Whether {@code tokens} more fit on the worker now. */
    public boolean fits(WorkerId worker, long tokens) {
        long used = reserved(worker);
        return used == 0
                ? fitsEmpty(worker, tokens)
                : used + tokens <= (long) Math.floor(capacity(worker) * highWater * share);
    }

    /** Whether {@code tokens} would fit on the worker with nothing else on it. */
    public boolean fitsEmpty(WorkerId worker, long tokens) {
        return tokens <= capacity(worker);
    }

    /**
     * Reserves on every stage, whether it fits or not: callers ask {@link #fits} first, except where a session that
     * runs already is counted again after a restart.
     *
     * @throws IllegalStateException when the session holds a reservation already
     */
    public void reserve(SessionId session, Pipeline pipeline, long tokens) {
        if (tokens < 1) {
            throw new IllegalArgumentException("a reservation of " + tokens + " tokens must be at least 1");
        }
        if (sessions.putIfAbsent(session, new Reservation(pipeline, tokens)) != null) {
            throw new IllegalStateException("session " + session + " holds a reservation already; release it first");
        }
        for (Stage stage : pipeline.stages()) {
            reserved.merge(stage.worker(), tokens, Long::sum);
        }
    }

    /**
     * Raises a session's reservation to {@code tokens}, whether it fits or not, because the session holds that much; does
     * nothing when it has as much already or holds none.
     *
     * @return tokens added per stage
     */
    public long grow(SessionId session, long tokens) {
        Reservation reservation = sessions.get(session);
        if (reservation == null || reservation.tokens >= tokens) {
            return 0;
        }
        long more = tokens - reservation.tokens;
        sessions.put(session, new Reservation(reservation.pipeline, tokens));
        for (Stage stage : reservation.pipeline.stages()) {
            reserved.merge(stage.worker(), more, Long::sum);
        }
        return more;
    }

    /** Gives a session's reservation back; returns its tokens per stage, 0 when it holds none. */
    public long release(SessionId session) {
        Reservation reservation = sessions.remove(session);
        if (reservation == null) {
            return 0;
        }
        for (Stage stage : reservation.pipeline.stages()) {
            reserved.computeIfPresent(
                    stage.worker(), (worker, used) -> used == reservation.tokens ? null : used - reservation.tokens);
        }
        return reservation.tokens;
    }

    /** Tokens reserved on the worker. */
    public long reserved(WorkerId worker) {
        return reserved.getOrDefault(worker, 0L);
    }

    /** Capacity of the worker, tokens; 0 when unknown. */
    public long capacity(WorkerId worker) {
        return capacities.getOrDefault(worker, 0L);
    }

    /** Part of its share that is reserved on the worker where it is most; above 1 where more was promised than fits. */
    public double fullest() {
        double fullest = 0;
        for (Map.Entry<WorkerId, Long> worker : capacities.entrySet()) {
            if (worker.getValue() > 0) {
                fullest = Math.max(fullest, reserved(worker.getKey()) / (share * worker.getValue()));
            }
        }
        return fullest;
    }

    /** Sessions that hold a reservation. */
    public int sessions() {
        return sessions.size();
    }

    private static double fraction(String name, double value) {
        if (!(value > 0 && value <= 1)) {
            throw new IllegalArgumentException(name + " " + value + " must be in (0, 1]");
        }
        return value;
    }
}
