package io.sluice.launcher.bench;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Collects a benchmark's rows, prints them as a table and writes them as JSON. Not thread-safe. */
final class BenchReport {
    private final String name;
    private final Map<String, Object> machine = Machine.describe();
    private final List<Row> rows = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    BenchReport(String name) {
        this.name = name;
    }

    /**
     * One figure.
     *
     * @param baseline figure of the thing compared with in the same run; null: none
     * @param target for example {@code <= 1.3}, about the ratio when there is a baseline; {@code within 0.1}: at most so
     *     far from 1; null: none
     */
    record Row(String name, String unit, double value, Double baseline, String target) {
        Double ratio() {
            return baseline == null || baseline == 0 ? null : value / baseline;
        }

        /** Whether the target holds; null when there is none. */
        Boolean met() {
            if (target == null) {
                return null;
            }
            String[] parts = target.split(" ");
            double bound = Double.parseDouble(parts[1]);
            double judged = ratio() == null ? value : ratio();
            return switch (parts[0]) {
                case "<=" -> judged <= bound;
                case "within" -> Math.abs(judged - 1) <= bound;
                default -> judged >= bound;
            };
        }
    }

    void add(String row, String unit, double value) {
        rows.add(new Row(row, unit, value, null, null));
    }

    void add(String row, String unit, double value, Double baseline, String target) {
        rows.add(new Row(row, unit, value, baseline, target));
    }

    /** A remark that belongs to the figures, for people and programs. */
    void note(String text) {
        notes.add(text);
    }

    void print(PrintStream out) {
        out.printf(
                "%nbench %s on %s, %s cores, %s%n",
                name, machine.get("cpu"), machine.get("cores"), machine.get("java"));
        int width = rows.stream().mapToInt(r -> r.name().length()).max().orElse(10);
        out.printf(
                "%-" + width + "s  %-9s %12s %12s %8s  %s%n", "name", "unit", "value", "baseline", "ratio", "target");
        for (Row row : rows) {
            String target = row.target() == null ? "" : row.target() + (row.met() ? "  met" : "  NOT met");
            out.printf(
                    "%-" + width + "s  %-9s %12s %12s %8s  %s%n",
                    row.name(),
                    row.unit(),
                    number(row.value()),
                    number(row.baseline()),
                    number(row.ratio()),
                    target);
        }
        notes.forEach(note -> out.println("note: " + note));
    }

    private static String number(Double value) {
        return value == null ? "" : String.format(Locale.ROOT, Math.abs(value) >= 100 ? "%.0f" : "%.3g", value);
    }

    /** The report as JSON. */
    Map<String, Object> toJson() {
        List<Map<String, Object>> entries = new ArrayList<>();
        for (Row row : rows) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", row.name());
            entry.put("unit", row.unit());
            entry.put("value", row.value());
            entry.put("baseline", row.baseline());
            entry.put("ratio", row.ratio());
            entry.put("target", row.target());
            entry.put("met", row.met());
            entries.add(entry);
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("bench", name);
        json.put("machine", machine);
        json.put("rows", entries);
        json.put("notes", notes);
        return json;
    }
}
