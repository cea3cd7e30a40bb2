package io.sluice.launcher.bench;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Collects a benchmark's rows, prints them as a table and writes them as JSON. Not thread-safe. */
final class BenchReport {
    private static final String OF_THE_VALUE = "value ";

    private final String name;
    private final Map<String, Object> machine = Machine.describe();
    private final List<Row> rows = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    BenchReport(String name) {
        this.name = name;
    }

    /** Ends of a 95 % interval. */
    record Interval(double low, double high) {}

    /**
     * One figure.
     *
     * @param baseline figure of the thing compared with in the same run; null: none
     * @param target for example {@code <= 1.3}, about the ratio when there is a baseline; {@code value <= 0.05}: about the
     *     value all the same; {@code within 0.1}: at most so far from 1; null: none
     * @param interval in which the figure lies, where the row is judged by it; null: none
     * @param note what a reader of the figure must know, such as why a target is not met; null: nothing
     */
    record Row(String name, String unit, double value, Double baseline, String target, Interval interval, String note) {
        /** A row that is judged by its value, or by its ratio where it has a baseline. */
        Row(String name, String unit, double value, Double baseline, String target) {
            this(name, unit, value, baseline, target, null, null);
        }

        Double ratio() {
            return baseline == null || baseline == 0 ? null : value / baseline;
        }

        /** Whether the target holds; null when there is none, or the interval holds values on both sides of it. */
        Boolean met() {
            if (target == null) {
                return null;
            }
            if (interval != null) {
                boolean low = holds(interval.low());
                return low == holds(interval.high()) ? low : null;
            }
            return holds(ratio() == null || target.startsWith(OF_THE_VALUE) ? value : ratio());
        }

        private boolean holds(double judged) {
            String[] parts = target.replace(OF_THE_VALUE, "").split(" ");
            double bound = Double.parseDouble(parts[1]);
            return switch (parts[0]) {
                case "<=" -> judged <= bound;
                case "within" -> Math.abs(judged - 1) <= bound;
                default -> judged >= bound;
            };
        }

        private String verdict() {
            if (target == null) {
                return "";
            }
            Boolean met = met();
            return target + (met == null ? "  not decided" : met ? "  met" : "  NOT met");
        }
    }

    void add(String row, String unit, double value) {
        rows.add(new Row(row, unit, value, null, null));
    }

    void add(String row, String unit, double value, Double baseline, String target) {
        rows.add(new Row(row, unit, value, baseline, target));
    }

    /** A figure that is judged by the interval in which it lies: met, missed or not decided. */
    void addJudged(String row, String unit, double value, Interval interval, String target) {
        rows.add(new Row(row, unit, value, null, target, interval, null));
    }

    /** A figure with a note, which is printed below it; null: nothing to say. */
    void addNoted(String row, String unit, double value, Double baseline, String target, String note) {
        rows.add(new Row(row, unit, value, baseline, target, null, note));
    }

    List<Row> rows() {
        return List.copyOf(rows);
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
            out.printf(
                    "%-" + width + "s  %-9s %12s %12s %8s  %s%n",
                    row.name(),
                    row.unit(),
                    number(row.value()),
                    number(row.baseline()),
                    number(row.ratio()),
                    row.verdict());
            if (row.note() != null) {
                row.note().lines().forEach(line -> out.println("    " + line));
            }
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
            if (row.interval() != null) {
                entry.put("low", row.interval().low());
                entry.put("high", row.interval().high());
            }
            if (row.note() != null) {
                entry.put("note", row.note());
            }
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
