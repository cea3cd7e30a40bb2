package io.sluice.launcher.simulate;

import io.sluice.simulator.DelayParts;
import io.sluice.simulator.SimulationResult;
import io.sluice.simulator.SimulationResult.Latencies;
import io.sluice.simulator.SimulationResult.LinkUse;
import io.sluice.simulator.SimulationResult.NodeUse;
import java.io.PrintWriter;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** Prints runs for people, one column per policy. */
final class SimulationTable {
    private SimulationTable() {}

    static void print(String title, List<SimulationRun> runs, PrintWriter out) {
        out.printf(Locale.ROOT, "%n%s%n%n", title);
        row(out, "", runs, SimulationRun::policy);
        row(out, "decode throughput, tokens/s", runs, run -> number(run.result().decodeTokensPerSecond()));
        row(out, "prompt throughput, tokens/s", runs, run -> number(run.result().promptTokensPerSecond()));
        latencies(out, "prompt latency", runs, SimulationResult::prompt);
        latencies(out, "decode latency", runs, SimulationResult::decode);
        row(out, "requests in flight, mean", runs, run -> number(run.result().meanInFlight()));
        row(out, "KV cache expected, mean", runs, run -> percent(run.result().meanKvExpectation()));
        row(out, "requests finished", runs, run -> number(run.result().requestsFinished()));
        row(
                out,
                "  rejected / still open",
                runs,
                run -> number(run.result().requestsRejected()) + " / "
                        + number(run.result().requestsOpen()));
        if (runs.stream().anyMatch(run -> run.result().kvOverflows() > 0)) {
            row(out, "  KV cache overflows", runs, run -> number(run.result().kvOverflows()));
        }
        out.println();
        out.println("  where a decode step's time goes, s");
        part(out, "computing", runs, DelayParts::computeSeconds);
        part(out, "waiting at nodes", runs, DelayParts::nodeWaitSeconds);
        part(out, "waiting for links", runs, DelayParts::linkWaitSeconds);
        part(out, "being sent", runs, DelayParts::transferSeconds);
        part(out, "latency of links", runs, DelayParts::latencySeconds);
        part(out, "nodes passed", runs, DelayParts::hops);
        out.println();
        row(out, "busiest node", runs, SimulationTable::busiestNode);
        row(out, "busiest link", runs, SimulationTable::busiestLink);
        row(out, "simulated s per second", runs, run -> number(run.speed()));
        out.flush();
    }

    private static void latencies(
            PrintWriter out, String name, List<SimulationRun> runs, Function<SimulationResult, Latencies> latencies) {
        row(
                out,
                name + ", mean s",
                runs,
                run -> seconds(latencies.apply(run.result()).mean()));
        row(
                out,
                "  p50 / p99",
                runs,
                run -> seconds(latencies.apply(run.result()).p50()) + " / "
                        + seconds(latencies.apply(run.result()).p99()));
    }

    private static void part(
            PrintWriter out, String name, List<SimulationRun> runs, Function<DelayParts, Double> part) {
        row(out, "  " + name, runs, run -> seconds(part.apply(run.result().decodeParts())));
    }

    private static String busiestNode(SimulationRun run) {
        return run.result().nodes().stream()
                .max(Comparator.comparingDouble(NodeUse::busyFraction))
                .map(node -> node.node() + " " + percent(node.busyFraction()))
                .orElse("-");
    }

    private static String busiestLink(SimulationRun run) {
        return run.result().links().stream()
                .max(Comparator.comparingDouble(LinkUse::busyFraction))
                .map(link -> link.from() + ">" + link.to() + " " + percent(link.busyFraction()))
                .orElse("-");
    }

    private static void row(
            PrintWriter out, String name, List<SimulationRun> runs, Function<SimulationRun, String> value) {
        StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "  %-30s", name));
        for (SimulationRun run : runs) {
            line.append(String.format(Locale.ROOT, " %22s", value.apply(run)));
        }
        out.println(line.toString().stripTrailing());
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, value == Math.rint(value) || value >= 1000 ? "%,.0f" : "%,.1f", value);
    }

    private static String seconds(double value) {
        return String.format(Locale.ROOT, value >= 10 ? "%.1f" : "%.3f", value);
    }

    private static String percent(double part) {
        return Math.round(100 * part) + " %";
    }
}
