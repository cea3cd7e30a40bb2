package io.sluice.launcher.simtest;

import io.sluice.simtest.Mutation;
import io.sluice.simtest.SeedRun;
import io.sluice.simtest.SimReport;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;

/** The result for people. */
final class SimtestTable {
    /** Violations shown with their last events. */
    private static final int SHOWN = 3;

    private SimtestTable() {}

    static void print(SimReport report, PrintWriter out) {
        row(
                out,
                "seeds",
                String.format(
                        Locale.ROOT,
                        "%,d from %d on, %,d steps each with faults",
                        report.plan().seeds(),
                        report.plan().firstSeed(),
                        report.plan().steps()));
        if (report.plan().mutation() != Mutation.NONE) {
            row(out, "broken on purpose", report.plan().mutation().toString());
        }
        row(
                out,
                "steps",
                String.format(
                        Locale.ROOT,
                        "%,d in %.1f s (%,.0f a second), %,.0f s of virtual time",
                        report.steps(),
                        report.seconds(),
                        report.stepsPerSecond(),
                        report.virtualSeconds()));
        row(
                out,
                "requests",
                String.format(
                        Locale.ROOT,
                        "%,d: %,d completed, %,d failed, %,d refused",
                        report.requests(),
                        report.completed(),
                        report.failed(),
                        report.refused()));
        counts(out, "errors by reason", report.failures());
        counts(out, "recoveries", report.recoveries());
        out.println();
        report.faults().forEach((kind, count) -> row(out, kind.words(), String.format(Locale.ROOT, "%,10d", count)));
        out.println();
        for (int i = 0; i < report.violations().size(); i++) {
            violation(out, report, report.violations().get(i), i < SHOWN);
        }
        row(
                out,
                "violations",
                report.violations().isEmpty()
                        ? "none"
                        : "" + report.violations().size());
    }

    private static void counts(PrintWriter out, String name, Map<String, Long> counts) {
        StringBuilder text = new StringBuilder();
        counts.forEach((what, count) ->
                text.append(text.isEmpty() ? "" : ", ").append(String.format(Locale.ROOT, "%s %,d", what, count)));
        row(out, name, text.isEmpty() ? "none" : text.toString());
    }

    private static void violation(PrintWriter out, SimReport report, SeedRun.Violation violation, boolean whole) {
        out.printf(
                Locale.ROOT,
                "VIOLATION seed %d step %,d: %s: %s%n",
                violation.seed(),
                violation.step(),
                violation.invariant(),
                violation.detail());
        if (whole) {
            violation.lastEvents().forEach(event -> out.println("    " + event));
            String broken = report.plan().mutation() == Mutation.NONE
                    ? ""
                    : " --mutate " + report.plan().mutation();
            out.printf(
                    Locale.ROOT,
                    "  replay: sluice simtest --first-seed %d --seeds 1 --steps %d%s%n%n",
                    violation.seed(),
                    report.plan().steps(),
                    broken);
        }
    }

    private static void row(PrintWriter out, String name, String value) {
        out.printf(Locale.ROOT, "  %-26s %s%n", name, value);
    }
}
