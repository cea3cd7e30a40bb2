package io.sluice.launcher.plan;

import io.sluice.launcher.plan.PlanReport.Estimate;
import io.sluice.launcher.plan.PlanReport.Gain;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Prints a placement for people: nodes by region, then flow, estimate, bottleneck and what would help. */
final class PlanTable {
    private static final String ROW = "  %-18s %-8s %-9s %10s %10s %7s  %s%n";
    private static final int MOST_ROWS = 60;
    private static final int METER = 10;
    /** Bounds of the serving estimate are far; beyond this they say nothing. */
    private static final double USELESS_GAP = 1;

    private PlanTable() {}

    static void print(PlanReport report, PrintWriter out) {
        PlanGraph graph = report.graph();
        long holding = graph.nodes().stream().filter(PlanGraph.Node::holds).count();
        out.printf(
                Locale.ROOT,
                "%n%s on %s: %d layers on %d of %d nodes%n",
                report.model(),
                report.cluster(),
                graph.layers(),
                holding,
                graph.nodes().size());
        Map<String, List<PlanGraph.Node>> regions = new TreeMap<>(Comparator.comparing(PictureRows::naturalKey));
        graph.nodes().forEach(node -> regions.computeIfAbsent(node.region(), r -> new ArrayList<>())
                .add(node));
        regions.forEach((region, nodes) -> region(region, nodes, holding > MOST_ROWS, out));
        out.println();
        summary(report).forEach((name, value) -> line(out, name, value));
        out.flush();
    }

    private static void region(String region, List<PlanGraph.Node> nodes, boolean together, PrintWriter out) {
        out.printf(Locale.ROOT, "%nregion %s%n", region);
        out.printf(Locale.ROOT, ROW, "node", "type", "layers", "tokens/s", "capacity", "used", "");
        Map<String, List<PlanGraph.Node>> rows = new LinkedHashMap<>();
        nodes.stream()
                .filter(PlanGraph.Node::holds)
                .sorted(Comparator.comparingInt(PlanGraph.Node::first)
                        .thenComparingInt(PlanGraph.Node::end)
                        .thenComparing(PlanGraph.Node::type)
                        .thenComparing(node -> PictureRows.naturalKey(node.id())))
                .forEach(node -> rows.computeIfAbsent(
                                together ? node.type() + " " + node.range() : node.id(), key -> new ArrayList<>())
                        .add(node));
        rows.values().forEach(group -> row(group, out));
        List<String> empty = nodes.stream()
                .filter(node -> !node.holds())
                .map(PlanGraph.Node::id)
                .toList();
        if (!empty.isEmpty()) {
            int shown = Math.min(12, empty.size());
            out.println("  without layers: " + String.join(", ", empty.subList(0, shown))
                    + (shown < empty.size() ? " and " + (empty.size() - shown) + " more" : ""));
        }
    }

    private static void row(List<PlanGraph.Node> group, PrintWriter out) {
        PlanGraph.Node one = group.get(0);
        double flow = group.stream().mapToDouble(PlanGraph.Node::flow).sum();
        double capacity = group.stream().mapToDouble(PlanGraph.Node::capacity).sum();
        double used = capacity > 0 ? flow / capacity : 0;
        boolean bottleneck = group.stream().anyMatch(PlanGraph.Node::bottleneck);
        out.printf(
                Locale.ROOT,
                ROW,
                group.size() == 1 ? one.id() : group.size() + " x " + one.type(),
                one.type(),
                one.range(),
                count(flow),
                count(capacity),
                Math.round(100 * used) + " %",
                meter(used) + (bottleneck ? "  < bottleneck" : ""));
    }

    private static String meter(double used) {
        int full = (int) Math.round(METER * Math.clamp(used, 0.0, 1.0));
        return "█".repeat(full) + "░".repeat(METER - full);
    }

    /** The lines below the table, by name. */
    static Map<String, String> summary(PlanReport report) {
        Map<String, String> lines = new LinkedHashMap<>();
        lines.put("flow", flow(report));
        if (!report.objective().equals("flow")) {
            lines.put("objective", objective(report));
        }
        report.estimate().ifPresent(estimate -> lines.put("estimate", estimate(estimate)));
        lines.put("bottleneck", report.bottleneck());
        if (!report.gains().isEmpty()) {
            lines.put("one more", gains(report));
        }
        lines.put("found by", String.format(Locale.ROOT, "%s in %.1f s", report.method(), report.elapsedSeconds()));
        return lines;
    }

    private static String flow(PlanReport report) {
        String flow = count(report.flow()) + " tokens/s";
        boolean proven = report.objective().equals("flow") && report.optimal();
        double bound = report.objective().equals("flow") ? report.bound() : report.flowBound();
        if (proven) {
            return flow + ", proven: no placement carries more";
        }
        if (Double.isInfinite(bound) || report.flow() <= 0) {
            return flow;
        }
        String most = "; no placement carries more than " + count(bound);
        double gap = Math.max(0, bound / report.flow() - 1);
        return flow
                + most
                + (report.objective().equals("flow") ? String.format(Locale.ROOT, " (gap %.1f %%)", 100 * gap) : "");
    }

    private static String objective(PlanReport report) {
        String value = report.objective() + " " + count(report.value()) + " " + report.unit();
        if (report.optimal()) {
            return value + ", proven best";
        }
        return report.gap() > USELESS_GAP
                ? value
                : value
                        + String.format(
                                Locale.ROOT, "; bound %s (gap %.1f %%)", count(report.bound()), 100 * report.gap());
    }

    private static String estimate(Estimate estimate) {
        return String.format(
                Locale.ROOT,
                "%s tokens/s generated, %.2f s per token, prompt %.2f s, %.1f hops, %.0f requests at once, busiest"
                        + " node or link %.0f %%",
                count(estimate.decodeTokensPerSecond()),
                estimate.decodeSeconds(),
                estimate.promptSeconds(),
                estimate.hops(),
                estimate.inFlight(),
                100 * estimate.busiest());
    }

    private static String gains(PlanReport report) {
        List<String> parts = new ArrayList<>();
        for (Gain gain : report.gains()) {
            boolean any = gain.gain() > 0.001 * report.value();
            parts.add(gain.type() + " in region " + gain.region() + " adds " + (any ? count(gain.gain()) : "nothing"));
        }
        return String.join(", ", parts) + " (" + report.unit() + ", re-planned)";
    }

    static void line(PrintWriter out, String name, String value) {
        String indent = " ".repeat(13);
        List<String> lines = PlanPicture.wrap(value, 100);
        for (int i = 0; i < lines.size(); i++) {
            out.println((i == 0 ? String.format(Locale.ROOT, "  %-11s", name) : indent) + lines.get(i));
        }
    }

    static String count(double value) {
        if (value == 0) {
            return "0";
        }
        return String.format(Locale.ROOT, Math.abs(value) >= 100 ? "%,.0f" : "%.3g", value);
    }
}
