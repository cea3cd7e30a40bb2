package io.sluice.planner;

import io.sluice.core.planning.Rejection;
import io.sluice.core.sharing.LimitState;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/**
 * What the metrics show of limits: sums over all workers of a subtask, and figures of single workers for the first
 * {@value #MAX_WORKERS} of them, since Flink forgets no metric. Not thread-safe but for Flink's reads.
 */
final class LimitFigures {
    static final int MAX_WORKERS = 256;

    private final MetricGroup group;
    private final Counter published;
    private final Map<Rejection.Kind, Counter> refused = new EnumMap<>(Rejection.Kind.class);
    private final Map<String, Worker> workers = new HashMap<>();

    private static final class Worker {
        private volatile long epoch;
        private volatile double quota;
        private volatile long sliceNanos;
        private volatile int levels;
        private volatile int sideLanes;
        private volatile int groups;
        private volatile long steps;
        private volatile long violations;
        private Counter published;
        private Counter refused;
    }

    LimitFigures(MetricGroup operator) {
        group = operator.addGroup("sluice");
        published = group.counter("limits_published");
        for (Rejection.Kind kind : Rejection.Kind.values()) {
            refused.put(
                    kind,
                    group.addGroup("kind", kind.name().toLowerCase(Locale.ROOT)).counter("sharing_reports_refused"));
        }
    }

    void published(String worker) {
        published.inc();
        Worker figures = worker(worker);
        if (figures != null) {
            figures.published.inc();
        }
    }

    void refused(Rejection.Kind kind) {
        refused.get(kind).inc();
    }

    /** A report of a worker that is known. */
    void refused(String worker) {
        Worker figures = worker(worker);
        if (figures != null) {
            figures.refused.inc();
        }
    }

    void show(String worker, LimitState state) {
        Worker figures = worker(worker);
        if (figures != null) {
            figures.epoch = state.published().epoch();
            figures.quota = state.published().quota();
            figures.sliceNanos = state.published().sliceNanos();
            figures.levels = state.published().levels().size();
            figures.sideLanes = state.published().sideLanes();
            figures.groups = state.published().groups().size();
            figures.steps = state.quota().requests();
            figures.violations = state.quota().violations();
        }
    }

    private Worker worker(String id) {
        Worker known = workers.get(id);
        if (known != null || workers.size() >= MAX_WORKERS) {
            return known;
        }
        Worker w = new Worker();
        MetricGroup one = group.addGroup("worker", id);
        one.gauge("limits_epoch", () -> w.epoch);
        one.gauge("limits_quota", () -> w.quota);
        one.gauge("limits_slice_nanos", () -> w.sliceNanos);
        one.gauge("limits_levels", () -> w.levels);
        one.gauge("limits_side_lanes", () -> w.sideLanes);
        one.gauge("limits_pooled_groups", () -> w.groups);
        one.gauge("limits_steps_judged", () -> w.steps);
        one.gauge("limits_violations", () -> w.violations);
        w.published = one.counter("limits_published_records");
        w.refused = one.counter("sharing_reports_refused_records");
        workers.put(id, w);
        return w;
    }
}
