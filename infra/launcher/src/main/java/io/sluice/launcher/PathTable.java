package io.sluice.launcher;

import io.sluice.records.Completion;
import io.sluice.records.HopSummary;
import io.sluice.records.Stage;
import java.io.PrintWriter;
import java.util.Locale;

/** Prints which way a request went and where its time was spent. */
final class PathTable {
    private static final String ROW = "%-4s %-16s %-9s %6s %10s %10s %11s%n";

    private PathTable() {}

    static void print(Completion completion, PrintWriter out) {
        out.println();
        out.printf(
                Locale.ROOT,
                "pipeline of %s (allocation epoch %d, attempt %d)%n",
                completion.getRequestId(),
                completion.getEpoch(),
                completion.getAttempt());
        out.printf(Locale.ROOT, ROW, "hop", "worker", "layers", "steps", "link ms", "queue ms", "compute ms");
        int hop = 0;
        for (HopSummary summary : completion.getHops()) {
            int steps = Math.max(1, summary.getSteps());
            out.printf(
                    Locale.ROOT,
                    ROW,
                    ++hop,
                    summary.getWorker(),
                    layers(completion, summary.getWorker()),
                    summary.getSteps(),
                    millis(summary.getTransferUs(), steps),
                    millis(summary.getQueueUs(), steps),
                    millis(summary.getComputeUs(), steps));
        }
        long decodes = Math.max(1, completion.getCompletionTokens() - 1);
        out.printf(
                Locale.ROOT,
                "mean per step; waited %d ms for a pipeline, first token after %d ms, then %.1f ms per token, %d"
                        + " tokens%n",
                completion.getAssignedMs() - completion.getArrivalMs(),
                completion.getFirstTokenMs() - completion.getArrivalMs(),
                (completion.getFinishedMs() - completion.getFirstTokenMs()) / (double) decodes,
                completion.getCompletionTokens());
    }

    private static String layers(Completion completion, String worker) {
        for (Stage stage : completion.getPipeline()) {
            if (stage.getWorker().equals(worker)) {
                return stage.getFirstLayer() + "-" + stage.getEndLayer();
            }
        }
        return "?";
    }

    private static String millis(long micros, int steps) {
        return String.format(Locale.ROOT, "%.2f", micros / 1000.0 / steps);
    }
}
