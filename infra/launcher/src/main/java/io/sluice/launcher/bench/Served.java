package io.sluice.launcher.bench;

import io.sluice.simulator.DelayParts;
import io.sluice.simulator.SimulationResult;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Means over simulated runs that differ in the seed only. Immutable. */
record Served(List<SimulationResult> runs) {
    Served {
        runs = List.copyOf(runs);
    }

    double mean(ToDoubleFunction<SimulationResult> figure) {
        return runs.stream().mapToDouble(figure).average().orElse(0);
    }

    double decodeTokensPerSecond() {
        return mean(SimulationResult::decodeTokensPerSecond);
    }

    double promptSeconds() {
        return mean(run -> run.prompt().mean());
    }

    double decodeSeconds() {
        return mean(run -> run.decode().mean());
    }

    double inFlight() {
        return mean(SimulationResult::meanInFlight);
    }

    /** Largest distance of a run's decode throughput from the mean, as a part of the mean. */
    double spread() {
        double mean = decodeTokensPerSecond();
        return runs.stream()
                .mapToDouble(run -> Math.abs(run.decodeTokensPerSecond() / mean - 1))
                .max()
                .orElse(0);
    }

    /** A line of the tables. */
    String line(String name) {
        return String.format(
                Locale.ROOT,
                "  %-44s %8.1f %8.2f %8.2f %8.3f %8.3f %6.0f   %s",
                name,
                decodeTokensPerSecond(),
                promptSeconds(),
                mean(run -> run.prompt().p99()),
                decodeSeconds(),
                mean(run -> run.decode().p99()),
                inFlight(),
                parts());
    }

    /** Heading of {@link #line}. */
    static String heading() {
        return String.format(
                Locale.ROOT,
                "  %-44s %8s %8s %8s %8s %8s %6s   %s",
                "",
                "decode/s",
                "prompt s",
                "p99",
                "token s",
                "p99",
                "fly",
                "a token's time: compute + wait at nodes + wait for links + sending + link latency; hops");
    }

    private String parts() {
        return String.format(
                Locale.ROOT,
                "%.2f + %.2f + %.2f + %.2f + %.2f; %.1f",
                part(DelayParts::computeSeconds),
                part(DelayParts::nodeWaitSeconds),
                part(DelayParts::linkWaitSeconds),
                part(DelayParts::transferSeconds),
                part(DelayParts::latencySeconds),
                part(DelayParts::hops));
    }

    double part(ToDoubleFunction<DelayParts> part) {
        return mean(run -> part.applyAsDouble(run.decodeParts()));
    }
}
