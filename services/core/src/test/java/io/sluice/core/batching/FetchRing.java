package io.sluice.core.batching;

import io.sluice.core.SessionId;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;

/**
 * A pipeline across sites on virtual time: every stage has a device of its own and reads its topic with one fetch in
 * flight; a crossing lies between each worker and the broker. Sessions come one by one and decode without end.
 */
final class FetchRing {
    private static final double MS = 1e6;
    private static final double END_MS = 120_000;
    private static final double COUNTED_FROM_MS = 30_000;
    private static final double ARRIVALS_MS = 200;

    private final int stages;
    private final double crossingMs;
    private final double batchMs;
    private final double jitterMs;
    private final SplittableRandom random;
    /** Null: everything goes at once. */
    private final CohortGate gate;

    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private final List<List<Integer>> topics = new ArrayList<>();
    private final List<List<Integer>> ready = new ArrayList<>();
    private final double[] fetchAtBrokerMs;
    private final double[] busyUntilMs;
    private double readySinceMs = -1;
    private long order;
    private long steps;

    private record Event(double atMs, long order, Runnable what) implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            int byTime = Double.compare(atMs, other.atMs);
            return byTime == 0 ? Long.compare(order, other.order) : byTime;
        }
    }

    FetchRing(int stages, double crossingMs, double batchMs, double jitterMs, CohortGate gate, long seed) {
        this.stages = stages;
        this.crossingMs = crossingMs;
        this.batchMs = batchMs;
        this.jitterMs = jitterMs;
        this.gate = gate;
        this.random = new SplittableRandom(seed);
        this.fetchAtBrokerMs = new double[stages];
        this.busyUntilMs = new double[stages];
        for (int i = 0; i < stages; i++) {
            topics.add(new ArrayList<>());
            ready.add(new ArrayList<>());
        }
    }

    /** Speed of so many sessions relative to the same number of sessions that each have the pipeline for themselves. */
    double speed(int sessions) {
        for (int session = 0; session < sessions; session++) {
            int number = session;
            double at = random.nextDouble(ARRIVALS_MS);
            at(at, () -> arrived(0, List.of(number), at));
        }
        for (Event next = events.poll(); next != null && next.atMs < END_MS; next = events.poll()) {
            next.what.run();
        }
        double alone = stages * (2 * crossingMs + batchMs + jitterMs / 2);
        return steps * alone / (END_MS - COUNTED_FROM_MS) / sessions;
    }

    private void at(double atMs, Runnable what) {
        events.add(new Event(atMs, order++, what));
    }

    private void arrived(int stage, List<Integer> sessions, double now) {
        if (stage == 0) {
            steps += now > COUNTED_FROM_MS ? sessions.size() : 0;
            readySinceMs = readySinceMs < 0 ? now : readySinceMs;
            if (gate != null) {
                sessions.forEach(
                        session -> gate.returned(id(session), Math.round(2 * crossingMs * MS), Math.round(now * MS)));
            }
        }
        ready.get(stage).addAll(sessions);
        compute(stage, now);
    }

    private void compute(int stage, double now) {
        List<Integer> waiting = ready.get(stage);
        if (waiting.isEmpty() || busyUntilMs[stage] > now) {
            return;
        }
        if (stage == 0 && gate != null) {
            long waited = Math.round((now - readySinceMs) * MS);
            long hold = gate.holdNanos(waiting.size(), waited, Math.round(now * MS));
            if (hold > 0) {
                double later = now + Math.max(hold / MS, 1e-3);
                at(later, () -> compute(stage, later));
                return;
            }
        }
        List<Integer> batch = List.copyOf(waiting);
        waiting.clear();
        readySinceMs = stage == 0 ? -1 : readySinceMs;
        double done = now + batchMs + random.nextDouble(jitterMs);
        busyUntilMs[stage] = done;
        at(done, () -> computed(stage, batch, done));
    }

    private void computed(int stage, List<Integer> batch, double now) {
        if (stage == 0 && gate != null) {
            batch.forEach(session -> gate.left(id(session), true, stages, Math.round(now * MS)));
        }
        int next = (stage + 1) % stages;
        double atBroker = now + crossingMs;
        at(atBroker, () -> {
            topics.get(next).addAll(batch);
            fetch(next, atBroker);
        });
        compute(stage, now);
    }

    /** Answers the reader's fetch, if there is something to read and the fetch has arrived. */
    private void fetch(int stage, double now) {
        List<Integer> waiting = topics.get(stage);
        if (waiting.isEmpty() || fetchAtBrokerMs[stage] > now) {
            return;
        }
        List<Integer> answer = List.copyOf(waiting);
        waiting.clear();
        double received = now + crossingMs;
        double again = now + 2 * crossingMs;
        fetchAtBrokerMs[stage] = again;
        at(received, () -> arrived(stage, answer, received));
        at(again, () -> fetch(stage, again));
    }

    private static SessionId id(int session) {
        return new SessionId("s" + session);
    }
}
