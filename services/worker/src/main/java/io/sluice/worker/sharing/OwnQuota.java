package io.sluice.worker.sharing;

import io.sluice.core.sharing.ConformalQuota;
import io.sluice.core.sharing.QuotaState;
import io.sluice.core.sharing.SloReport;

/**
 * A worker's own quota beside the published one; the lower of the two is in force. The own one falls by the worker's own steps
 * alone and rises as the law says, so the law's bound on missed steps holds for what is in force. Not thread-safe.
 */
final class OwnQuota {
    private final ConformalQuota law;
    private QuotaState state = QuotaState.startingAt(1);
    private double published;
    /** In force when the newest slice started. */
    private double atNewestSlice = 1;

    /** @param target share of the latency-critical steps that may miss the objective */
    OwnQuota(double target, double published) {
        this.law = ConformalQuota.usual(target);
        this.published = published;
    }

    void published(double quota) {
        published = quota;
    }

    void sliceStarted() {
        atNewestSlice = inForce();
    }

    /**
     * Steps were judged, of which some missed their objective. A step misses it by best-effort work or not at all, so all
     * count as caused; and they count from the quota that let the newest slice start, so that a higher one that nobody
     * used does not delay the answer.
     */
    void judged(int steps, int missed, long nowNanos) {
        if (missed > 0) {
            state = law.cap(state, atNewestSlice);
        }
        state = law.observe(state, new SloReport(steps, missed, 1), nowNanos);
    }

    /** Nobody asked for the device for so long; see {@link ConformalQuota#idle}. */
    void lull(long nanos, long nowNanos) {
        state = law.idle(state, nanos, nowNanos);
    }

    /** The worker's own, 0 to 1. */
    double own() {
        return state.quota();
    }

    /** The one that holds, 0 to 1. */
    double inForce() {
        return Math.min(published, state.quota());
    }
}
