package io.sluice.simtest;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What came of many seeds: the sums, and every violation. Filled by the runner, in the order of the seeds. */
public final class SimReport {
    private final SimTest.Plan plan;
    private final Map<FaultKind, Long> faults = new EnumMap<>(FaultKind.class);
    private final Map<String, Long> recoveries = new TreeMap<>();
    private final Map<String, Long> failures = new TreeMap<>();
    private final List<SeedRun.Violation> violations = new ArrayList<>();
    private long steps;
    private long requests;
    private long completed;
    private long failed;
    private long refused;
    private double virtualSeconds;
    private long hash;
    private double seconds;

    SimReport(SimTest.Plan plan) {
        this.plan = plan;
    }

    void add(SeedRun.Result result) {
        result.faults().forEach((kind, count) -> faults.merge(kind, count, Long::sum));
        result.recoveries().forEach((how, count) -> recoveries.merge(how, count, Long::sum));
        result.failures().forEach((why, count) -> failures.merge(why, count, Long::sum));
        if (result.violation() != null) {
            violations.add(result.violation());
        }
        steps += result.steps();
        requests += result.requests();
        completed += result.completed();
        failed += result.failed();
        refused += result.refused();
        virtualSeconds += result.virtualSeconds();
        hash = Arithmetic.mix(hash, result.hash());
    }

    void took(double elapsedSeconds) {
        seconds = elapsedSeconds;
    }

    public SimTest.Plan plan() {
        return plan;
    }

    /** By kind, in the order of the kinds. */
    public Map<FaultKind, Long> faults() {
        return faults;
    }

    /** Attempts after the first, by how they went on. */
    public Map<String, Long> recoveries() {
        return recoveries;
    }

    /** Errors of accepted requests and refusals, by reason. */
    public Map<String, Long> failures() {
        return failures;
    }

    public List<SeedRun.Violation> violations() {
        return violations;
    }

    /** Events in all. */
    public long steps() {
        return steps;
    }

    public long requests() {
        return requests;
    }

    public long completed() {
        return completed;
    }

    /** Accepted, but ended with an error. */
    public long failed() {
        return failed;
    }

    /** Never accepted. */
    public long refused() {
        return refused;
    }

    public double virtualSeconds() {
        return virtualSeconds;
    }

    /** Equal for equal runs, whatever the number of threads. */
    public long hash() {
        return hash;
    }

    public double seconds() {
        return seconds;
    }

    public double stepsPerSecond() {
        return steps / Math.max(1e-9, seconds);
    }
}
