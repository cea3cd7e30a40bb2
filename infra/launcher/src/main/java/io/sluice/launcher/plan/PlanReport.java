package io.sluice.launcher.plan;

import java.util.List;
import java.util.Optional;

/**
 * What {@code sluice plan} shows of one model's placement. Immutable.
 *
 * @param unit of value and bound
 * @param value of the objective
 * @param bound that no placement exceeds; infinite: unknown
 * @param optimal whether it is proven that no placement is better
 * @param flow tokens/s, prompt and generated alike
 * @param flowBound tokens/s that no placement exceeds
 * @param bottleneck in words
 */
record PlanReport(
        String cluster,
        String model,
        String method,
        String objective,
        String unit,
        double value,
        double bound,
        boolean optimal,
        double elapsedSeconds,
        double flow,
        double flowBound,
        Optional<Estimate> estimate,
        String bottleneck,
        List<Gain> gains,
        PlanGraph graph) {
    PlanReport {
        gains = List.copyOf(gains);
    }

    /**
     * What serving is expected to look like under the workload.
     *
     * @param hops nodes passed, mean
     * @param inFlight requests at once
     * @param busiest part of the time the busiest node or link works, 0 to 1
     */
    record Estimate(
            double decodeTokensPerSecond,
            double promptSeconds,
            double decodeSeconds,
            double hops,
            double inFlight,
            double busiest) {}

    /**
     * What one more node of a machine type would add.
     *
     * @param region where it would stand
     * @param gain added to the objective after as much search as without it
     */
    record Gain(String type, String region, double gain) {}

    /** {@code bound / value - 1}; infinite while either is unknown. */
    double gap() {
        return optimal ? 0 : value > 0 ? Math.max(0, bound / value - 1) : Double.POSITIVE_INFINITY;
    }

    /** The same with what one more node would add. */
    PlanReport withGains(List<Gain> found) {
        return new PlanReport(
                cluster,
                model,
                method,
                objective,
                unit,
                value,
                bound,
                optimal,
                elapsedSeconds,
                flow,
                flowBound,
                estimate,
                bottleneck,
                found,
                graph);
    }
}
