package io.sluice.launcher.sharing;

import io.sluice.sharing.SharingResult;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** Prints a comparison for people: service times and throughput, then response times and the rest. */
final class SharingTable {
    private SharingTable() {}

    static void print(String title, List<SharingResult> results, PrintWriter out) {
        int width = results.stream().mapToInt(r -> r.policy().length()).max().orElse(0);
        String name = "  %-" + Math.max(width, 8) + "s";
        out.printf("%n%s%n%n", title);
        out.printf(
                name + " %9s %9s %19s %10s   %11s %15s%n",
                "service",
                "p50 ms",
                "p99 ms",
                "95 % interval",
                "overhead",
                "best effort",
                "95 % interval");
        for (SharingResult result : results) {
            double[] best = result.bestEffortInterval();
            out.printf(
                    Locale.ROOT,
                    name + " %9s %9s %19s %10s   %11.3f %15s%n",
                    result.policy(),
                    millis(result.serviceP50Nanos()),
                    millis(result.serviceP99Nanos()),
                    interval(result.serviceP99Interval()),
                    percent(result.serviceOverhead()),
                    result.bestEffortThroughput(),
                    result.scenario().seeds().size() == 1
                            ? "one seed"
                            : String.format(Locale.ROOT, "%.3f to %.3f", best[0], best[1]));
        }
        out.println();
        out.printf(
                name + " %9s %9s %19s %10s %10s %10s %9s %9s %9s%n",
                "response",
                "p50 ms",
                "p99 ms",
                "95 % interval",
                "p99.9 ms",
                "overhead",
                "violations",
                "energy J",
                "switches",
                "requests");
        for (SharingResult result : results) {
            boolean steady = !result.overloaded();
            out.printf(
                    Locale.ROOT,
                    name + " %9s %9s %19s %10s %10s %10s %9.0f %,9d %,9d%n",
                    result.policy(),
                    steady ? millis(result.responseP50Nanos()) : "",
                    steady ? millis(result.responseP99Nanos()) : "",
                    steady
                            ? interval(result.responseP99Interval())
                            : String.format(Locale.ROOT, "overloaded (%.2f)", result.utilisation()),
                    steady ? millis(result.responseP999Nanos()) : "",
                    steady ? percent(result.responseOverhead()) : "",
                    String.format(Locale.ROOT, "%.2f %%", 100 * result.violationRate()),
                    result.joules(),
                    result.contextSwitches(),
                    result.requests());
        }
        out.println();
        out.flush();
    }

    private static String interval(double[] nanos) {
        return millis(nanos[0]) + " to " + millis(nanos[1]);
    }

    private static String millis(double nanos) {
        double value = nanos / 1e6;
        return String.format(Locale.ROOT, value >= 1_000 ? "%.0f" : value >= 100 ? "%.1f" : "%.3f", value);
    }

    private static String percent(double part) {
        return Double.isNaN(part) ? "none ended" : String.format(Locale.ROOT, "%+.1f %%", 100 * part);
    }
}
