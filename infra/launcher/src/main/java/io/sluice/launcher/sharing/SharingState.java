package io.sluice.launcher.sharing;

import io.sluice.records.GpuTelemetry;
import io.sluice.records.Limits;
import io.sluice.records.SharingReport;
import io.sluice.records.TenantUse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How workers share their devices, folded from limits and telemetry. Records of one worker must be added in the order of
 * their topic. Not thread-safe.
 */
final class SharingState {
    private static final double MILLIS = 1e6;
    private static final double NANOS = 1e9;

    private final Map<String, Worker> workers = new TreeMap<>();

    /**
     * One worker.
     *
     * @param published quota of the newest limits, 0 to 1; 0 when they do not hold
     * @param quota quota in force, 0 to 1: the lower of the published one and the worker's own
     * @param sliceMillis longest slice that the limits allow, ms
     * @param sideLanes cores that the limits allow beside latency-critical work
     * @param stepsPerSecond latency-critical steps
     * @param responseP99Millis highest 99th percentile of their response time among the reports, ms
     * @param missed share of them that missed the objective, 0 to 1
     * @param excused share of them that kept it by the objectives of their requests alone, 0 to 1
     * @param drains times that they had to wait for a slice to give way
     * @param tokensPerSecond best-effort positions computed
     * @param deviceShare share of the time in which a slice ran, 0 to 1
     * @param waiting best-effort steps that are ready
     * @param tenants that had work
     * @param pools kernel groups that the limits give a part of the device in the gaps, all others have all of it
     * @param why what the planner said last, or why nothing may start
     */
    record Row(
            String worker,
            double published,
            double quota,
            double sliceMillis,
            int sideLanes,
            double stepsPerSecond,
            double responseP99Millis,
            double missed,
            double excused,
            long drains,
            double tokensPerSecond,
            double deviceShare,
            long waiting,
            List<String> tenants,
            List<Pool> pools,
            String why) {}

    /**
     * A kernel group on a part of the device.
     *
     * @param group prefill, steps or decode
     * @param lanes cores that its slices run on
     */
    record Pool(String tenant, String group, int lanes) {
        @Override
        public String toString() {
            return group + " of " + tenant + " on " + (lanes == 1 ? "a core" : lanes + " cores");
        }
    }

    private static final class Worker {
        private Limits limits;
        private String reason = "";
        private GpuTelemetry newest;
        private long millis;
        private long steps;
        private long missed;
        private long excused;
        private double responseP99;
        private long drains;
        private long tokens;
        private double runNanos;
        private final Map<String, Long> waiting = new TreeMap<>();
    }

    void limits(Limits record) {
        Worker worker = worker(record.getWorker());
        worker.limits = record;
        if (!record.getReason().isEmpty()) {
            worker.reason = record.getReason();
        }
    }

    void telemetry(GpuTelemetry record) {
        Worker worker = worker(record.getWorker());
        if (worker.newest != null && worker.newest.getIncarnation() > record.getIncarnation()) {
            return;
        }
        worker.newest = record;
        SharingReport report = record.getSharing();
        if (report == null) {
            return;
        }
        worker.millis += record.getIntervalMs();
        worker.steps += report.getRequests();
        worker.missed += report.getViolations();
        worker.excused += report.getExcused();
        worker.responseP99 = Math.max(worker.responseP99, report.getResponseP99Ns());
        worker.drains += report.getDrains();
        worker.waiting.clear();
        for (TenantUse tenant : report.getTenants()) {
            worker.tokens += tenant.getTokens();
            worker.runNanos += tenant.getRunNs();
            worker.waiting.put(tenant.getTenant(), tenant.getWaiting());
        }
    }

    private Worker worker(String id) {
        return workers.computeIfAbsent(id, name -> new Worker());
    }

    /** Workers of which telemetry came, by name. */
    List<Row> rows(long nowMillis) {
        List<Row> rows = new ArrayList<>();
        workers.forEach((id, worker) -> {
            if (worker.newest != null) {
                rows.add(row(id, worker, nowMillis));
            }
        });
        return rows;
    }

    private static Row row(String id, Worker worker, long nowMillis) {
        SharingReport report = worker.newest.getSharing();
        boolean holds = worker.limits != null
                && worker.limits.getIncarnation() == worker.newest.getIncarnation()
                && worker.limits.getValidUntilMs() > nowMillis;
        double seconds = worker.millis / 1e3;
        return new Row(
                id,
                holds ? worker.limits.getQuota() : 0,
                report == null ? 0 : report.getQuota(),
                holds ? worker.limits.getSliceNs() / MILLIS : 0,
                holds ? worker.limits.getSideLanes() : 0,
                seconds > 0 ? worker.steps / seconds : 0,
                worker.responseP99 / MILLIS,
                worker.steps > 0 ? (double) worker.missed / worker.steps : 0,
                worker.steps > 0 ? (double) worker.excused / worker.steps : 0,
                worker.drains,
                seconds > 0 ? worker.tokens / seconds : 0,
                seconds > 0 ? worker.runNanos / NANOS / seconds : 0,
                worker.waiting.values().stream().mapToLong(Long::longValue).sum(),
                List.copyOf(worker.waiting.keySet()),
                holds ? pools(worker.limits) : List.of(),
                why(worker, report, holds));
    }

    private static List<Pool> pools(Limits limits) {
        return limits.getGroups().stream()
                .map(pool -> new Pool(pool.getTenant(), pool.getGroup(), pool.getLanes()))
                .toList();
    }

    private static String why(Worker worker, SharingReport report, boolean holds) {
        if (report == null) {
            return "takes none: it was started with --no-best-effort";
        }
        if (worker.limits == null) {
            return "no limits were published for it: does a planner run, and was it started with --sharing?";
        }
        if (!holds) {
            return "its limits hold no longer: does the planner still run?";
        }
        return worker.reason;
    }
}
