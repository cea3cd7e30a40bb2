package io.sluice.loadgen;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Latency and throughput of a run under the key names of vLLM's {@code benchmark_serving}: {@code mean_ttft_ms},
 * {@code p99_tpot_ms}, {@code output_throughput} and so on. Times are seen by the client. {@code request_goodput} is, as
 * there, requests per second that kept all their latency objectives, here each its own; null where no request has any.
 */
public final class LatencySummary {
    private LatencySummary() {}

    /**
     * Summarises outcomes.
     *
     * @param outcomes one per request
     * @param durationSeconds from the first request sent to the last answer
     */
    public static Map<String, Object> of(List<RequestOutcome> outcomes, double durationSeconds) {
        List<RequestOutcome> done =
                outcomes.stream().filter(RequestOutcome::completed).toList();
        long input = done.stream().mapToLong(RequestOutcome::promptTokens).sum();
        long output = done.stream().mapToLong(o -> o.tokenIds().size()).sum();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("duration", durationSeconds);
        json.put("completed", done.size());
        json.put("failed", outcomes.size() - done.size());
        json.put("total_input_tokens", input);
        json.put("total_output_tokens", output);
        json.put("request_throughput", rate(done.size(), durationSeconds));
        long met = done.stream().filter(RequestOutcome::sloMet).count();
        json.put(
                "request_goodput",
                outcomes.stream().anyMatch(RequestOutcome::hasSlo) ? (Object) rate(met, durationSeconds) : null);
        json.put("output_throughput", rate(output, durationSeconds));
        json.put("total_token_throughput", rate(input + output, durationSeconds));
        block(json, "ttft", done.stream().mapToDouble(RequestOutcome::ttftMs).toArray());
        block(
                json,
                "tpot",
                done.stream()
                        .filter(o -> o.tokenIds().size() > 1)
                        .mapToDouble(RequestOutcome::tpotMs)
                        .toArray());
        block(
                json,
                "itl",
                done.stream()
                        .flatMapToDouble(o -> Arrays.stream(o.interTokenMs()))
                        .toArray());
        block(
                json,
                "e2el",
                done.stream().mapToDouble(RequestOutcome::endToEndMs).toArray());
        return json;
    }

    private static double rate(long count, double seconds) {
        return seconds > 0 ? count / seconds : 0;
    }

    private static void block(Map<String, Object> json, String name, double[] values) {
        Arrays.sort(values);
        double mean = Arrays.stream(values).average().orElse(0);
        double variance = Arrays.stream(values)
                .map(v -> (v - mean) * (v - mean))
                .average()
                .orElse(0);
        json.put("mean_" + name + "_ms", mean);
        json.put("median_" + name + "_ms", percentile(values, 50));
        json.put("std_" + name + "_ms", Math.sqrt(variance));
        json.put("p90_" + name + "_ms", percentile(values, 90));
        json.put("p99_" + name + "_ms", percentile(values, 99));
    }

    /** Percentile by linear interpolation between closest ranks, as numpy does; 0 for no values. */
    public static double percentile(double[] sorted, double percent) {
        if (sorted.length == 0) {
            return 0;
        }
        double rank = percent / 100 * (sorted.length - 1);
        int low = (int) Math.floor(rank);
        int high = Math.min(low + 1, sorted.length - 1);
        return sorted[low] + (rank - low) * (sorted[high] - sorted[low]);
    }
}
