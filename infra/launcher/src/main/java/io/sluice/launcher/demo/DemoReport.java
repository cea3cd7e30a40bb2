package io.sluice.launcher.demo;

import io.sluice.launcher.stack.RunningStack;
import io.sluice.loadgen.LatencySummary;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.records.Allocation;
import io.sluice.records.Completion;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/** What a demo run shows at its end, to people and to programs. Immutable. */
final class DemoReport {
    private static final int BAR = 30;

    private final LoadGenerator.Run run;
    private final RunningStack stack;
    private final String policy;
    private final List<WorkerShares.Share> shares;
    private final long epochs;

    DemoReport(LoadGenerator.Run run, RunningStack stack, String policy, Map<Long, Allocation> allocations) {
        this.run = run;
        this.stack = stack;
        this.policy = policy;
        this.shares = WorkerShares.of(
                run.outcomes().stream()
                        .map(RequestOutcome::completion)
                        .filter(Objects::nonNull)
                        .toList(),
                allocations);
        this.epochs = run.outcomes().stream()
                .map(RequestOutcome::completion)
                .filter(Objects::nonNull)
                .map(Completion::getEpoch)
                .distinct()
                .count();
    }

    boolean allCompleted() {
        return run.outcomes().stream().allMatch(RequestOutcome::completed);
    }

    void print(PrintStream out) {
        Map<String, Object> summary = LatencySummary.of(run.outcomes(), run.durationSeconds());
        out.printf("%n%-10s %-16s %-8s %s%n", "worker", "device", "layers", "share of tokens: planned ░, measured █");
        for (WorkerShares.Share share : shares) {
            out.printf(
                    Locale.ROOT,
                    "%-10s %-16s %-8s %s %3.0f %%%n",
                    share.worker(),
                    device(share.worker()),
                    share.layers(),
                    bar(share.planned(), '░'),
                    100 * share.planned());
            out.printf(
                    Locale.ROOT,
                    "%-10s %-16s %-8s %s %3.0f %%%n",
                    "",
                    "",
                    "",
                    bar(share.measured(), '█'),
                    100 * share.measured());
        }
        out.printf(
                Locale.ROOT,
                "%n%s requests completed, %s failed in %.1f s under policy %s (%d allocation epochs)%n",
                summary.get("completed"),
                summary.get("failed"),
                run.durationSeconds(),
                policy,
                epochs);
        out.printf(
                Locale.ROOT,
                "%.1f output tokens/s   time to first token %.0f ms (p99 %.0f)   per token %.1f ms (p99 %.1f)%n",
                number(summary, "output_throughput"),
                number(summary, "mean_ttft_ms"),
                number(summary, "p99_ttft_ms"),
                number(summary, "mean_tpot_ms"),
                number(summary, "p99_tpot_ms"));
        if (summary.get("request_goodput") != null) {
            long asked = run.outcomes().stream().filter(RequestOutcome::hasSlo).count();
            long met = run.outcomes().stream().filter(RequestOutcome::sloMet).count();
            out.printf(
                    Locale.ROOT,
                    "request goodput %.2f/s: %d of %d requests met their objectives%n",
                    number(summary, "request_goodput"),
                    met,
                    asked);
        }
        if (stack.workers().stream().anyMatch(worker -> worker.device().startsWith("emulated"))) {
            out.println(
                    "Devices marked emulated compute for real and are paced to published per-layer times of that GPU.");
        }
    }

    /** Keys as documented in {@code sluice demo --help}. */
    Map<String, Object> toJson() {
        Map<String, Object> json = LatencySummary.of(run.outcomes(), run.durationSeconds());
        json.put("model", stack.model());
        json.put("policy", policy);
        json.put("allocation_epochs", epochs);
        List<Map<String, Object>> workers = new ArrayList<>();
        for (WorkerShares.Share share : shares) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("worker", share.worker());
            entry.put("device", device(share.worker()));
            entry.put("layers", share.layers());
            entry.put("planned_share", share.planned());
            entry.put("measured_share", share.measured());
            workers.add(entry);
        }
        json.put("workers", workers);
        json.put("texts", run.outcomes().stream().map(DemoReport::text).toList());
        return json;
    }

    private static double number(Map<String, Object> summary, String key) {
        return ((Number) summary.get(key)).doubleValue();
    }

    private static Map<String, Object> text(RequestOutcome outcome) {
        Map<String, Object> entry = new LinkedHashMap<>();
        Completion completion = outcome.completion();
        entry.put("request_id", outcome.request().getRequestId());
        entry.put("prompt", outcome.request().getPrompt());
        entry.put("prompt_token_ids", completion == null ? List.of() : completion.getPromptTokenIds());
        entry.put("token_ids", outcome.tokenIds());
        entry.put("text", outcome.text());
        entry.put(
                "finish_reason",
                completion == null ? null : completion.getFinishReason().name().toLowerCase(Locale.ROOT));
        entry.put(
                "pipeline",
                completion == null
                        ? List.of()
                        : completion.getPipeline().stream()
                                .map(s -> Map.of(
                                        "worker", s.getWorker(), "layers", s.getFirstLayer() + "-" + s.getEndLayer()))
                                .toList());
        entry.put("slo_met", completion == null ? null : completion.getSloMet());
        if (outcome.failure() != null) {
            entry.put("error", outcome.failure());
        } else if (completion == null) {
            entry.put("error", "no answer before the time-out");
        }
        return entry;
    }

    private String device(String worker) {
        return stack.workers().stream()
                .filter(w -> w.id().equals(worker))
                .map(RunningStack.Worker::device)
                .findFirst()
                .orElse("?");
    }

    private static String bar(double share, char fill) {
        int filled = (int) Math.round(Math.clamp(share, 0, 1) * BAR);
        return String.valueOf(fill).repeat(filled) + " ".repeat(BAR - filled);
    }
}
