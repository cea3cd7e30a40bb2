package io.sluice.core.routing;

import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
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
 * <p>Best-effort sessions together reserve at most {@code bestEffortShare x share x capacity} of a worker, and a lone one
 * {@code bestEffortShare x capacity}: they stay long where their device is busy, and must not keep interactive ones out.
 *
 * <p>{@code share} is the part of the requests this router sees: several routers divide a worker's cache among them
 * without talking to each other. The lone session above the mark is the one case in which they can together promise
 * more than there is; the worker then lets it wait.
 *
 * <p>Reservations are by session, taken once and given back once, so that no count becomes negative. Not thread-safe.
 */
public final class KvBudget {
    /** Part of a worker's cache that best-effort sessions may hold, where nothing else is said. */
    public static final double BEST_EFFORT_SHARE = 0.5;

    private final double highWater;
    private final double bestEffortShare;
    private double share = 1;
    private final Map<WorkerId, Long> capacities = new TreeMap<>();
    private final Map<WorkerId, Long> reserved = new TreeMap<>();
    private final Map<WorkerId, Long> bestEffort = new TreeMap<>();
    private final Map<SessionId, Reservation> sessions = new HashMap<>();

    private record Reservation(ServiceClass serviceClass, Pipeline pipeline, long tokens) {}

    /** A budget with the usual share of best-effort sessions. */
    public KvBudget(double highWater) {
        this(highWater, BEST_EFFORT_SHARE);
    }

    /**
     * @param highWater part of a worker's cache that several sessions may fill, in (0, 1]
     * @param bestEffortShare part of a worker's cache that best-effort sessions may hold, in (0, 1]
     */
    public KvBudget(double highWater, double bestEffortShare) {
        this.highWater = fraction("high-water mark", highWater);
        this.bestEffortShare = fraction("best-effort share", bestEffortShare);
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

    /** Whether {@code tokens} more of a latency-critical session fit on the worker now. */
    public boolean fits(WorkerId worker, long tokens) {
        return fits(worker, ServiceClass.LATENCY_CRITICAL, tokens);
    }

    /** Whether {@code tokens} more of a session of this class fit on the worker now. */
    public boolean fits(WorkerId worker, ServiceClass serviceClass, long tokens) {
        long used = reserved(worker);
        boolean room = used == 0
                ? fitsEmpty(worker, serviceClass, tokens)
                : used + tokens <= (long) Math.floor(capacity(worker) * highWater * share);
        return room && (serviceClass == ServiceClass.LATENCY_CRITICAL || fitsBestEffort(worker, tokens));
    }

    private boolean fitsBestEffort(WorkerId worker, long tokens) {
        long used = reservedBestEffort(worker);
        return used == 0
                ? fitsEmpty(worker, ServiceClass.BEST_EFFORT, tokens)
                : used + tokens <= (long) Math.floor(capacity(worker) * bestEffortShare * share);
    }

    /** Whether {@code tokens} of a session of this class would fit on the worker with nothing else on it. */
    public boolean fitsEmpty(WorkerId worker, ServiceClass serviceClass, long tokens) {
        double part = serviceClass == ServiceClass.BEST_EFFORT ? bestEffortShare : 1;
        return tokens <= (long) Math.floor(capacity(worker) * part);
    }

    /** As {@link #reserve(SessionId, ServiceClass, Pipeline, long)}, for a latency-critical session. */
    public void reserve(SessionId session, Pipeline pipeline, long tokens) {
        reserve(session, ServiceClass.LATENCY_CRITICAL, pipeline, tokens);
    }

    /**
     * Reserves on every stage, whether it fits or not: callers ask {@link #fits} first, except where a session that
     * runs already is counted again after a restart.
     *
     * @throws IllegalStateException when the session holds a reservation already
     */
    public void reserve(SessionId session, ServiceClass serviceClass, Pipeline pipeline, long tokens) {
        if (tokens < 1) {
            throw new IllegalArgumentException("a reservation of " + tokens + " tokens must be at least 1");
        }
        Reservation reservation = new Reservation(serviceClass, pipeline, tokens);
        if (sessions.putIfAbsent(session, reservation) != null) {
            throw new IllegalStateException("session " + session + " holds a reservation already; release it first");
        }
        add(reservation, tokens);
    }

    /** @param tokens per stage, negative to take them back */
    private void add(Reservation reservation, long tokens) {
        for (Stage stage : reservation.pipeline.stages()) {
            merge(reserved, stage.worker(), tokens);
            if (reservation.serviceClass == ServiceClass.BEST_EFFORT) {
                merge(bestEffort, stage.worker(), tokens);
            }
        }
    }

    private static void merge(Map<WorkerId, Long> sums, WorkerId worker, long tokens) {
        sums.merge(worker, tokens, (used, more) -> used + more == 0 ? null : (Long) (used + more));
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
        sessions.put(session, new Reservation(reservation.serviceClass, reservation.pipeline, tokens));
        add(reservation, more);
        return more;
    }

    /** Gives a session's reservation back; returns its tokens per stage, 0 when it holds none. */
    public long release(SessionId session) {
        Reservation reservation = sessions.remove(session);
        if (reservation == null) {
            return 0;
        }
        add(reservation, -reservation.tokens);
        return reservation.tokens;
    }

    /** Tokens reserved on the worker. */
    public long reserved(WorkerId worker) {
        return reserved.getOrDefault(worker, 0L);
    }

    /** Those of them that best-effort sessions hold. */
    public long reservedBestEffort(WorkerId worker) {
        return bestEffort.getOrDefault(worker, 0L);
    }

    /** Capacity of the worker, tokens; 0 when unknown. */
    public long capacity(WorkerId worker) {
        return capacities.getOrDefault(worker, 0L);
    }

    /**
     * Part of its share that latency-critical sessions have reserved on the worker where it is most; above 1 where more
     * was promised than fits. It says what the cluster does for them, so best-effort sessions do not count.
     */
    public double fullest() {
        double fullest = 0;
        for (Map.Entry<WorkerId, Long> capacity : capacities.entrySet()) {
            if (capacity.getValue() > 0) {
                long held = reserved(capacity.getKey()) - reservedBestEffort(capacity.getKey());
                fullest = Math.max(fullest, held / (share * capacity.getValue()));
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
