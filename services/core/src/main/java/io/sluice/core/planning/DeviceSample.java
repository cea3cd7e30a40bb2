package io.sluice.core.planning;

import io.sluice.core.WorkerId;
import java.util.Objects;

/**
 * What a worker's device did in one interval, as reported: nothing is checked here, see {@link CapacityEstimator}.
 *
 * @param model served model
 * @param incarnation grows with every start of the worker
 * @param sequence grows with each report of an incarnation
 * @param atMillis end of the interval, ms since the epoch, worker's clock
 * @param intervalMillis length of the interval
 * @param busyMicros time the device computed
 * @param utilization busy share, 0 to 1; only checked
 * @param prefillTokens prompt positions computed
 * @param decodeTokens decode positions computed
 * @param batches batches run; 0: not reported
 */
public record DeviceSample(
        String model,
        WorkerId worker,
        long incarnation,
        long sequence,
        long atMillis,
        long intervalMillis,
        long busyMicros,
        double utilization,
        long prefillTokens,
        long decodeTokens,
        long batches) {
    public DeviceSample {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(worker, "worker");
    }
}
