package io.sluice.core.batching;

import io.sluice.core.SessionId;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Decides at the first stage whether decode steps that are ready go on at once or wait for others, so that all sessions
 * travel the pipeline in so many groups as keep its stages busy and no more (micro-batches: GPipe, NeurIPS'19).
 *
 * <p>Where every of n stages has a device of its own, n groups keep them busy while the network takes no time; where it
 * takes the time {@code L} of a round and computing {@code C}, {@code n (1 + L/C)} do, as {@code L/C} of that are on the
 * network. A further one would only queue at a device. Across sites groups also queue before the reader's fetch: a Kafka
 * consumer has one in flight, so a reader takes one record per round trip between it and the broker, which is {@code L/n};
 * {@code n (1 + C/L)} groups pass without waiting, and a further one keeps all waiting without end. So a step waits only
 * while as many groups as the lesser of both are on their way. A group counts until the first of it is back, so that
 * pipelines that begin here and are slower than others hold up nobody.
 *
 * <p>Where stages may compete for the same cores, every separate group reads the weights again and takes the others' time:
 * eight sessions in three groups cost nearly three times the time of eight in one. There, so many groups are right as one
 * can compute while the others are on the network: a round over the part of it that is computing, which is one where the
 * network takes no time, and at most the number of stages. The network's part is taken as the stages times the latency of
 * the link that leads back here.
 *
 * <p>A step waits no longer than groups that are evenly spread follow one another, a round over their number; so a session
 * that got lost delays the others by a bounded time, and soon no longer counts. One session never waits. Costs are linear
 * in the sessions away. Times are nanoseconds of any one monotonic clock. Not thread-safe.
 */
public final class CohortGate {
    /** No step waits longer than this, nanoseconds. */
    public static final long MAX_HOLD_NANOS = 250_000_000L;
    /** So much of a transfer is not the network but threads that wake one another, on the cores that also compute. */
    public static final long HOP_NANOS = 3_000_000L;

    /** Longest round that is believed. */
    private static final double MAX_ROUND_NANOS = 5e9;

    private static final double NEWEST_WEIGHT = 0.2;
    /** How fast the least latency follows larger ones. */
    private static final double LATENCY_WEIGHT = 0.01;
    /** A session that has been away for so many usual ways round, or longest waits, is not waited for. */
    private static final int LOST_AFTER_ROUNDS = 3;

    private final boolean sharesCores;
    /** In the order of leaving, so that sessions of a group are neighbours. */
    private final Map<SessionId, Group> away = new LinkedHashMap<>();

    private Group newest;
    private int stages = 1;
    private double roundNanos;
    private double latencyNanos = -1;

    /** Sessions that left together. */
    private static final class Group {
        private final long leftNanos;
        private final boolean decodes;
        private boolean back;

        Group(long leftNanos, boolean decodes) {
            this.leftNanos = leftNanos;
            this.decodes = decodes;
        }
    }

    /** @param sharesCores whether stages of a pipeline may compute on the same cores */
    public CohortGate(boolean sharesCores) {
        this.sharesCores = sharesCores;
    }

    /**
     * A session's step, or the end of its prompt, was sent on; those of one batch at one and the same time.
     *
     * @param stages of its pipeline
     */
    public void left(SessionId session, boolean decode, int stages, long nowNanos) {
        Objects.requireNonNull(session, "session");
        if (stages < 1) {
            throw new IllegalArgumentException("a pipeline of " + stages + " stages; it must have at least 1");
        }
        if (newest == null || newest.leftNanos != nowNanos || newest.decodes != decode) {
            newest = new Group(nowNanos, decode);
        }
        this.stages = stages;
        away.remove(session);
        away.put(session, newest);
    }

    /**
     * A session's next step has come.
     *
     * @param transferNanos time on the link that leads back here
     */
    public void returned(SessionId session, long transferNanos, long nowNanos) {
        Group group = away.remove(session);
        if (group == null) {
            return;
        }
        group.back = true;
        double transfer = Math.max(0, transferNanos);
        latencyNanos = latencyNanos < 0 || transfer < latencyNanos
                ? transfer
                : latencyNanos + LATENCY_WEIGHT * (transfer - latencyNanos);
        if (group.decodes || roundNanos == 0) {
            double round = Math.clamp(nowNanos - group.leftNanos, 0, MAX_ROUND_NANOS);
            roundNanos = roundNanos == 0 ? round : roundNanos + NEWEST_WEIGHT * (round - roundNanos);
        }
    }

    /** The session will not come back. */
    public void ended(SessionId session) {
        away.remove(session);
    }

    /** Groups that may be on their way at once. */
    public int groups() {
        double network = stages * Math.max(0, latencyNanos - HOP_NANOS);
        double computing = Math.max(1, roundNanos - network);
        if (sharesCores) {
            return (int) Math.clamp(Math.floor(roundNanos / computing), 1, stages);
        }
        double busy = Math.ceil(stages * (1 + network / computing));
        double fetched = network == 0 ? busy : Math.floor(stages * (1 + computing / network));
        return (int) Math.min(busy, fetched);
    }

    /**
     * How long to wait on, nanoseconds; 0: go.
     *
     * @param ready decode steps ready
     * @param waitedNanos how long the oldest of them has waited
     */
    public long holdNanos(int ready, long waitedNanos, long nowNanos) {
        int groups = groups();
        if (ready == 0 || away.isEmpty() || groupsAway(nowNanos) < groups) {
            return 0;
        }
        return Math.max(0, Math.min(MAX_HOLD_NANOS, Math.round(roundNanos / groups)) - waitedNanos);
    }

    private int groupsAway(long nowNanos) {
        double lostAfter = LOST_AFTER_ROUNDS * Math.min(MAX_HOLD_NANOS, roundNanos);
        int count = 0;
        Group former = null;
        for (Group group : away.values()) {
            if (group != former && counts(group) && nowNanos - group.leftNanos <= lostAfter) {
                count++;
            }
            former = group;
        }
        return count;
    }

    /** Competing stages wait for whoever is away; others not for stragglers of a group, nor for prompts. */
    private boolean counts(Group group) {
        return sharesCores || group.decodes && !group.back;
    }
}
