package io.sluice.launcher.chaos;

import java.io.PrintStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The verdict of a chaos run as a table and as JSON. Immutable. */
final class ChaosReport {
    private static final int MOST_NOTES = 20;

    private final ChaosRun.Setting setting;
    private final Verdict verdict;
    private final List<FaultRunner.Done> faults;
    private final Pauses pauses;
    private final List<Resources.Line> resources;
    private final int requests;
    private final int unsent;
    private final JobVerdict jobs;

    /**
     * @param requests how many the broker took
     * @param unsent how many it did not take in time, and its client knows it
     */
    ChaosReport(
            ChaosRun.Setting setting,
            Verdict verdict,
            List<FaultRunner.Done> faults,
            Pauses pauses,
            List<Resources.Line> resources,
            int requests,
            int unsent,
            JobVerdict jobs) {
        this.setting = setting;
        this.verdict = verdict;
        this.faults = List.copyOf(faults);
        this.pauses = pauses;
        this.resources = List.copyOf(resources);
        this.requests = requests;
        this.unsent = unsent;
        this.jobs = jobs;
    }

    Verdict verdict() {
        return verdict;
    }

    JobVerdict jobs() {
        return jobs;
    }

    /** Whether nothing was lost, duplicated, stuck or wrong, and processes, topics and files are back at their level. */
    boolean holds() {
        return kept() && back();
    }

    private boolean kept() {
        return verdict.holds() && jobs.holds();
    }

    private boolean back() {
        return resources.stream().allMatch(Resources.Line::back);
    }

    private long inflicted() {
        return faults.stream().filter(FaultRunner.Done::inflicted).count();
    }

    private long count(FaultKind kind) {
        return faults.stream()
                .filter(done -> done.inflicted() && done.fault().kind() == kind)
                .count();
    }

    private double longestPause(FaultKind kind) {
        return faults.stream()
                .filter(done -> done.inflicted() && done.fault().kind() == kind)
                .mapToDouble(pauses::longestSeconds)
                .max()
                .orElse(0);
    }

    void print(PrintStream out) {
        out.printf(Locale.ROOT, "%n%-12s %6s   %s%n", "fault", "count", "longest pause of a client that it touched");
        for (FaultKind kind : FaultKind.values()) {
            if (count(kind) > 0) {
                out.printf(Locale.ROOT, "%-12s %6d   %8.2f s%n", kind.word(), count(kind), longestPause(kind));
            }
        }
        out.printf(Locale.ROOT, "%n%-24s %10s %10s%n", "", "start", "end");
        for (Resources.Line line : resources) {
            out.printf(
                    Locale.ROOT,
                    "%-24s %10.0f %10.0f %-4s%s%n",
                    line.what(),
                    line.before(),
                    line.after(),
                    line.unit(),
                    line.back() ? "" : "above the tolerance");
        }
        out.println();
        row(
                out,
                "accepted",
                verdict.accepted(),
                requests + " requests, " + unsent + " more that the broker did not take");
        row(out, "completed", verdict.completed(), "");
        row(out, "refused", verdict.refused(), "errors without ever a pipeline");
        row(out, "failed", verdict.failed(), "errors of accepted requests, told to their clients");
        row(out, "recoveries", sum(verdict.recoveries()), modes());
        row(out, "stale tokens", verdict.stale(), "of earlier attempts or repeated; readers drop them");
        row(out, "lost", verdict.lost(), "");
        row(out, "duplicated", verdict.duplicated(), "");
        row(out, "stuck", verdict.stuck(), "");
        row(out, "wrong texts", verdict.wrong(), "against the undisturbed run");
        row(out, "faults", inflicted(), faults.size() - inflicted() + " left out");
        print(out, verdict.notes());
        if (jobs.jobs() > 0) {
            out.println();
            row(out, "jobs", jobs.jobs(), jobs.items() + " items; " + jobs.cancelled() + " jobs cancelled");
            row(out, "items done", jobs.done(), "");
            row(out, "items failed", jobs.failed(), "an error is their one result");
            row(out, "items lost", jobs.lost(), "");
            row(out, "duplicated", jobs.duplicated(), "items with several results, jobs that ended again");
            row(out, "jobs stuck", jobs.stuck(), "");
            row(out, "wrong results", jobs.wrong(), "against the undisturbed job");
            print(out, jobs.notes());
        }
        out.printf(
                Locale.ROOT,
                "%n%s: seed %d, %.1f min, longest pause %.2f s%n",
                holds() ? "every promise was kept" : kept() ? "NOT BACK at its level" : "BROKEN",
                setting.seed(),
                setting.rule().minutes(),
                pauses.longestSeconds());
    }

    private static void print(PrintStream out, List<String> notes) {
        notes.stream().limit(MOST_NOTES).forEach(note -> out.println("  " + note));
        if (notes.size() > MOST_NOTES) {
            out.println("  … " + (notes.size() - MOST_NOTES) + " more");
        }
    }

    private static int sum(Map<String, Integer> counts) {
        return counts.values().stream().mapToInt(Integer::intValue).sum();
    }

    private String modes() {
        StringBuilder text = new StringBuilder();
        verdict.recoveries().forEach((mode, count) -> text.append(text.isEmpty() ? "" : ", ")
                .append(count)
                .append(' ')
                .append(mode));
        return text.toString();
    }

    private static void row(PrintStream out, String name, long count, String remark) {
        out.printf(Locale.ROOT, "%-14s %8d   %s%n", name, count, remark);
    }

    Map<String, Object> toJson() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("accepted", verdict.accepted());
        json.put("completed", verdict.completed());
        json.put("refused", verdict.refused());
        json.put("lost", verdict.lost());
        json.put("duplicated", verdict.duplicated());
        json.put("stuck", verdict.stuck());
        json.put("faults", inflicted());
        json.put("failed", verdict.failed());
        json.put("wrong", verdict.wrong());
        json.put("stale", verdict.stale());
        json.put("longest_pause_s", pauses.longestSeconds());
        json.put("recoveries", verdict.recoveries());
        json.put("seed", setting.seed());
        json.put("minutes", setting.rule().minutes());
        json.put("requests", requests);
        json.put("unsent", unsent);
        json.put("jobs", jobs);
        json.put("resources_back", back());
        json.put("resources", resources);
        json.put(
                "fault_kinds",
                Arrays.stream(FaultKind.values())
                        .filter(kind -> count(kind) > 0)
                        .map(kind -> Map.of(
                                "kind", kind.word(), "count", count(kind), "longest_pause_s", longestPause(kind)))
                        .toList());
        json.put("fault_log", faults.stream().map(this::log).toList());
        json.put("notes", verdict.notes());
        return json;
    }

    private Map<String, Object> log(FaultRunner.Done done) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("at_s", done.fault().atMs() / 1e3);
        entry.put("kind", done.fault().kind().word());
        entry.put("target", done.fault().target());
        entry.put("duration_s", (done.endedNanos() - done.beganNanos()) / 1e9);
        entry.put("longest_pause_s", pauses.longestSeconds(done));
        entry.put("inflicted", done.inflicted());
        entry.put("note", done.note());
        return entry;
    }
}
