package io.sluice.worker.sharing;

import io.sluice.core.sharing.ConformalQuota;
import io.sluice.core.sharing.QuotaState;
import io.sluice.core.sharing.SloReport;
import io.sluice.core.sharing.StepSlowdown;
import io.sluice.records.PoolUse;
import java.util.ArrayList;
import java.util.List;

/**
 * What a worker decides and knows of best-effort work on its side lanes: by how much it slows steps down, how many lanes its own
 * steps allow, and what each number of lanes brought. The number follows the steps by the law of the quota in a state of its own
 * (as {@link io.sluice.core.sharing.TwoStageQuota} has it): a step that misses its objective with anything beside it takes a
 * lane away long before the quota throttles the gaps, in which much more work is done for the price. Of the missed steps that are
 * allowed, lanes may cause {@value #PART_OF_MISSES}: with all of them, lanes that every step misses beside would be tried
 * until nothing was left for the gaps, whose quota would have to fall. That state only takes lanes
 * away, so the law's bound holds. Not thread-safe.
 */
final class BesideControl {
    /** Part of the missed steps allowed that lanes may cause. */
    static final double PART_OF_MISSES = 0.1;

    private final int lanes;
    private final ConformalQuota law;
    private final StepSlowdown slowdown = new StepSlowdown();
    private final Pool[] pools;
    private QuotaState allowed = QuotaState.startingAt(1);
    /** Lanes that the newest step with anything beside it had. */
    private int newestLanes = 1;

    private double besideUnits;
    private double gapUnits;

    /** Sums of one interval with one number of lanes beside steps; the first one is of steps alone, and of the gaps. */
    private static final class Pool {
        long batches;
        double serviceNanos;
        double slowedNanos;
        double runNanos;
        double units;
        double keptNanos;
    }

    /** Part of the steps' service with anything beside them, in the interval. */
    private double besideNanos;

    /** @param target share of the latency-critical steps that may miss the objective, whatever made them */
    BesideControl(int lanes, double target) {
        this.lanes = lanes;
        this.law = ConformalQuota.usual(PART_OF_MISSES * target);
        this.pools = new Pool[1 + lanes];
        begin();
    }

    private void begin() {
        for (int i = 0; i < pools.length; i++) {
            pools[i] = new Pool();
        }
        besideNanos = 0;
    }

    int lanes() {
        return lanes;
    }

    /** Lanes that this worker's own steps allow. */
    int allowed() {
        return (int) Math.floor(allowed.quota() * lanes + 1e-9);
    }

    /** Whether anything may run beside the step that begins; one in some runs alone. Call once per step. */
    boolean mayRunBeside(StepSlowdown.Kind kind) {
        return lanes > 0 && !slowdown.runsAlone(kind);
    }

    /** @return by how much the step is taken to be slowed down, ns */
    double stepEnded(StepSlowdown.Kind kind, double serviceNanos, int beside, double besideNanos) {
        double slowed = slowdown.ended(kind, serviceNanos, beside, besideNanos);
        int used = besideNanos > 0 ? Math.min(beside, lanes) : 0;
        newestLanes = used > 0 ? used : newestLanes;
        Pool pool = pools[used];
        pool.batches++;
        pool.serviceNanos += serviceNanos;
        pool.slowedNanos += slowed;
        this.besideNanos += used == 0 ? 0 : Math.min(serviceNanos, besideNanos / used);
        return slowed;
    }

    /** Steps were judged, of which some with anything beside them missed the objective. */
    void judged(int steps, int missed, long nowNanos) {
        if (lanes > 0) {
            allowed = law.observe(allowed, new SloReport(steps, missed, 1), nowNanos);
        }
    }

    void lull(long nanos, long nowNanos) {
        if (lanes > 0) {
            allowed = law.idle(allowed, nanos, nowNanos);
        }
    }

    /** @param keptNanos how long the idle machine waited for its batch */
    void besideEnded(double units, double runNanos, double keptNanos) {
        if (lanes > 0) {
            Pool pool = pools[newestLanes];
            pool.units += units;
            pool.runNanos += runNanos;
            pool.keptNanos += keptNanos;
        }
        besideUnits += units;
    }

    void gapEnded(double units, double runNanos) {
        pools[0].units += units;
        pools[0].runNanos += runNanos;
        gapUnits += units;
    }

    /** How much longer steps usually are with so many lanes beside them; 1: not, or unknown. */
    double factor(int beside) {
        return beside == 0 ? 1 : slowdown.factor(beside);
    }

    /** Layers times positions since the start. */
    double besideUnits() {
        return besideUnits;
    }

    double gapUnits() {
        return gapUnits;
    }

    /** Part of the steps' service with anything beside them, in the interval that {@link #take} ends, ns. */
    double besideNanos() {
        return besideNanos;
    }

    /** The report of an interval, by number of lanes; the sums begin anew. Empty where there are none. */
    List<PoolUse> take() {
        List<PoolUse> uses = new ArrayList<>();
        for (int i = 0; i < pools.length && lanes > 0; i++) {
            Pool pool = pools[i];
            if (pool.batches > 0 || pool.runNanos > 0 || pool.keptNanos > 0) {
                uses.add(PoolUse.newBuilder()
                        .setLanes(i)
                        .setBatches(pool.batches)
                        .setServiceNs(pool.serviceNanos)
                        .setAloneNs(Math.max(0, pool.serviceNanos - pool.slowedNanos))
                        .setRunNs(pool.runNanos)
                        .setUnits(pool.units)
                        .setKeptNs(pool.keptNanos)
                        .build());
            }
        }
        begin();
        return uses;
    }
}
