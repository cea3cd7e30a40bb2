package io.sluice.worker;

import io.sluice.records.ServiceClass;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.worker.StepSender.Result;
import io.sluice.worker.StepSender.StepTime;
import io.sluice.worker.sharing.SharingControl;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Begins best-effort batches, sends on what they have computed, and sees to those that cannot be computed: such a batch is computed
 * again piece by piece, so that only the guilty session fails. Owned by the compute thread.
 */
final class BestEffortBatches {
    private final StageRunner runner;
    private final boolean exactRebuild;
    private final SharingControl sharing;
    private final StepSender sender;
    private final IntervalStats stats;
    private final WorkerMetrics metrics;

    BestEffortBatches(
            StageRunner runner,
            boolean exactRebuild,
            SharingControl sharing,
            StepSender sender,
            IntervalStats stats,
            WorkerMetrics metrics) {
        this.runner = Objects.requireNonNull(runner, "runner");
        this.exactRebuild = exactRebuild;
        this.sharing = Objects.requireNonNull(sharing, "sharing");
        this.sender = Objects.requireNonNull(sender, "sender");
        this.stats = Objects.requireNonNull(stats, "stats");
        this.metrics = Objects.requireNonNull(metrics, "metrics");
    }

    /**
     * Makes the batch the tenant's, unless it has one under way.
     *
     * @return false: it cannot be computed, which has been seen to
     */
    boolean begin(NextBatch next, boolean holdPrompts) {
        BestEffortTenant tenant = next.tenant();
        if (tenant.resting != null) {
            return true;
        }
        List<Work> works = tenant.take(holdPrompts, next.rows(), next.positions());
        try {
            tenant.resting = new RestingBatch(
                    runner.begin(
                            works.stream().map(work -> work.input(exactRebuild)).toList()),
                    works,
                    SliceKind.of(works, exactRebuild));
            return true;
        } catch (RuntimeException e) {
            failed(tenant, works, e);
            return false;
        }
    }

    /** The tenant's batch is through: sends on what came out of it. */
    void done(BestEffortTenant tenant, List<StageOutput> outputs, long endNanos) {
        RestingBatch batch = tenant.resting;
        tenant.resting = null;
        StepTime time = new StepTime(batch.computeNanos, endNanos);
        List<Result> results = new ArrayList<>();
        int prefill = 0;
        int decode = 0;
        for (int i = 0; i < outputs.size(); i++) {
            Work work = batch.works.get(i);
            if (!batch.counts(work)) {
                continue;
            }
            prefill += work.isPrompt() ? work.chunk().count() : 0;
            decode += work.isPrompt() ? 0 : work.chunk().count();
            long waited = time.waitedNanos(work.chunk());
            stats.step(ServiceClass.BEST_EFFORT, waited / 1_000, time.computeNanos() / 1_000);
            results.add(new Result(work, outputs.get(i)));
        }
        metrics.computed(prefill, decode);
        sharing.bestEffortDone(tenant.id, prefill + decode);
        sender.send(results, time, results.size());
    }

    /** The tenant's batch cannot be computed, and is over. */
    void failed(BestEffortTenant tenant, RuntimeException failure) {
        RestingBatch batch = tenant.resting;
        tenant.resting = null;
        failed(tenant, batch.counting(), failure);
    }

    private void failed(BestEffortTenant tenant, List<Work> works, RuntimeException failure) {
        if (works.size() == 1) {
            sender.failed(works.getFirst(), failure);
        } else {
            tenant.aloneFromNowOn(works);
        }
    }
}
