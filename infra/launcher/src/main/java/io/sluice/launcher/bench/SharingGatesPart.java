package io.sluice.launcher.bench;

import io.sluice.sharing.SharingResult;
import io.sluice.sharing.gates.GateCheck;
import io.sluice.sharing.gates.ValidationGates;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The gates that hold the simulation against published measurements: a row for each, with the figures that do not hold. */
final class SharingGatesPart {
    private final SharingRuns runs;
    private final BenchReport report;

    SharingGatesPart(SharingRuns runs, BenchReport report) {
        this.runs = runs;
        this.report = report;
    }

    void run() {
        double seconds = runs.pairSeconds();
        List<GateCheck> checks = new ArrayList<>();
        runs.setting().progress("gates: V1, V3, V4 and V5, six pairs under seven policies, the longest of them");
        Map<String, List<SharingResult>> results =
                runs.run("gates", ValidationGates.POLICIES, ValidationGates.scenarios(seconds, runs.seeds()));
        checks.addAll(ValidationGates.judge(results));
        runs.setting().progress("gates: V2, V6, V7, V8 and V9");
        checks.addAll(ValidationGates.closedLoop(seconds));
        checks.addAll(ValidationGates.pools(runs.quick() ? 0.5 : 1));
        checks.addAll(ValidationGates.preemption(seconds));
        checks.addAll(ValidationGates.micro());
        runs.setting().out().println();
        checks.forEach(check -> runs.setting().out().println("  " + check));
        rows(checks, report);
    }

    /** A row for each gate: its checks that hold, of so many; a note for each that does not, with what is known about why. */
    static void rows(List<GateCheck> checks, BenchReport report) {
        Map<String, List<GateCheck>> gates = new TreeMap<>();
        checks.forEach(check ->
                gates.computeIfAbsent(check.gate(), gate -> new ArrayList<>()).add(check));
        long all = checks.stream().filter(GateCheck::holds).count();
        gates.forEach((gate, of) -> {
            long holding = of.stream().filter(GateCheck::holds).count();
            String note = of.stream()
                    .filter(check -> !check.holds())
                    .map(check ->
                            "not: " + figures(check) + "; why: " + (check.why().isEmpty() ? "not known" : check.why()))
                    .collect(Collectors.joining("\n"));
            report.addNoted(
                    "sharing.gate." + gate,
                    "checks",
                    holding,
                    (double) of.size(),
                    ">= 1",
                    note.isEmpty() ? null : note);
        });
        report.note("gates: " + all + " of " + checks.size() + " checks hold; the rows say which do not, and why");
    }

    private static String figures(GateCheck check) {
        String published = Double.isNaN(check.published())
                ? ""
                : String.format(Locale.ROOT, ", published %.3g", check.published());
        return String.format(
                Locale.ROOT,
                "%s (%s) %.3g%s, holds from %s to %s",
                check.what(),
                check.heldOut() ? "held out" : "calibrated",
                check.modelled(),
                published,
                bound(check.low()),
                bound(check.high()));
    }

    private static String bound(double value) {
        return Double.isInfinite(value) ? "any" : String.format(Locale.ROOT, "%.3g", value);
    }
}
