package io.sluice.launcher.bench;

import io.sluice.loadgen.LatencySummary;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.records.HopSummary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What was seen of interactive requests on one worker, over all rounds: a value for each request or pair of tokens, ms.
 * Mutable; not thread-safe.
 */
final class InteractiveSeen {
    /** From sending to the completion. */
    final List<Double> response = new ArrayList<>();
    /** Between two tokens of a request. */
    final List<Double> gap = new ArrayList<>();
    /** Mean of a request's steps: how long the worker computed. */
    final List<Double> compute = new ArrayList<>();
    /** Mean of a request's steps: how long they waited in the worker. */
    final List<Double> queue = new ArrayList<>();
    /** For how long the steps kept the worker busy, each request's own count, seconds. */
    double busySeconds;

    void add(List<RequestOutcome> outcomes) {
        for (RequestOutcome outcome : outcomes) {
            response.add(outcome.endToEndMs());
            Arrays.stream(outcome.interTokenMs()).forEach(gap::add);
            for (HopSummary hop : outcome.completion().getHops()) {
                compute.add(hop.getComputeUs() / 1e3 / hop.getSteps());
                queue.add(hop.getQueueUs() / 1e3 / hop.getSteps());
            }
        }
        busySeconds += CpuLoad.busySeconds(outcomes);
    }

    /** @param percent 0 to 100 */
    static double percentile(List<Double> millis, double percent) {
        return LatencySummary.percentile(
                millis.stream().mapToDouble(Double::doubleValue).sorted().toArray(), percent);
    }

    /** Rows of the response times beside something, against alone. */
    static void responses(
            BenchReport report, String name, InteractiveSeen beside, InteractiveSeen alone, boolean hasTarget) {
        for (double percent : new double[] {50, 99}) {
            report.add(
                    String.format(Locale.ROOT, "%s.p%.0f", name, percent),
                    "ms",
                    percentile(beside.response, percent),
                    percentile(alone.response, percent),
                    hasTarget && percent == 99 ? "<= 1.1" : null);
        }
    }
}
