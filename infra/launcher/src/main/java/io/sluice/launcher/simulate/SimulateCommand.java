package io.sluice.launcher.simulate;

import io.sluice.clusters.ClusterDescription;
import io.sluice.clusters.ClusterFiles;
import io.sluice.clusters.PlacementFile;
import io.sluice.clusters.PlacementFiles;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.launcher.DurationConverter;
import io.sluice.launcher.JsonFile;
import io.sluice.simulator.Load;
import io.sluice.simulator.Scenario;
import io.sluice.simulator.Simulation;
import io.sluice.simulator.SimulationPolicies;
import io.sluice.simulator.SimulationPolicy;
import io.sluice.simulator.SimulationResult;
import io.sluice.solver.OrToolsMaxFlow;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Simulates serving a trace on a placement. Deterministic for a seed. */
@Command(
        name = "simulate",
        description = "Serves a trace on a placement in virtual time: throughput and latency before you buy.",
        footer = {
            "%nA trace is CSV with input_tokens,output_tokens (lengths are drawn from it), and arrival_ms when it is to be",
            "replayed as it is. JSON: decode_throughput, prompt_latency_s and decode_latency_s (mean, p50, p99, ...), and",
            "what the latencies are made of; with several policies a list of those under runs."
        },
        mixinStandardHelpOptions = true)
public final class SimulateCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "CLUSTER", description = "Cluster file (YAML).")
    private Path cluster;

    @Option(names = "--model", paramLabel = "NAME", required = true, description = "A model of the cluster file.")
    private String model;

    @Option(names = "--placement", paramLabel = "FILE", required = true, description = "Placement (JSON).")
    private Path placement;

    @Option(names = "--trace", paramLabel = "FILE", required = true, description = "Request lengths, or a trace (CSV).")
    private Path trace;

    /** When requests come. */
    enum Mode {
        OFFLINE,
        ONLINE
    }

    @Option(
            names = "--mode",
            paramLabel = "MODE",
            defaultValue = "offline",
            description = "offline: there is always a next request (default); online: requests come by themselves.")
    private Mode mode;

    @Option(
            names = "--rate",
            paramLabel = "TOKENS/S",
            defaultValue = "0",
            description = "Online: prompt and generated tokens offered per second; default: the trace's own times.")
    private double rate;

    @Option(
            names = "--arrivals",
            paramLabel = "FILE",
            description =
                    "Online, with --rate: requests per 3-second slot (CSV), scaled to the rate; default: Poisson.")
    private Path arrivals;

    @Option(
            names = "--policy",
            paramLabel = "NAME",
            split = ",",
            defaultValue = "sluice",
            description =
                    "How requests are routed and batched; several are compared. Under sluice, KV cache is admitted by"
                            + " the mean output so far; live workers reserve the most a request may ask for."
                            + " Default: ${DEFAULT-VALUE}.")
    private List<String> policies;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0", description = "Of all randomness; default: 0.")
    private long seed;

    @Option(
            names = "--warm-up",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "Simulated time before measuring; default: 60s offline, 0s online.")
    private Duration warmUp;

    @Option(
            names = "--window",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "Simulated time measured; default: 10m offline, 30m online.")
    private Duration window;

    @Option(
            names = "--partial-inference",
            description = "Pipelines may enter a node behind its first layer, as layouts of Petals need.")
    private boolean partialInference;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the result to FILE as JSON, too.")
    private Path json;

    @Option(names = "--svg", paramLabel = "FILE", description = "Draw the distributions of latency to FILE.")
    private Path svg;

    @Override
    public Integer call() {
        if (mode == Mode.OFFLINE && (rate != 0 || arrivals != null)) {
            throw new ParameterException(spec.commandLine(), "--rate and --arrivals are for --mode online");
        }
        if (arrivals != null && rate == 0) {
            throw new ParameterException(spec.commandLine(), "--arrivals needs --rate, to which they are scaled");
        }
        List<SimulationPolicy> chosen =
                policies.stream().map(SimulationPolicies::byName).toList();
        TraceInput requests = TraceInput.read(trace);
        ClusterDescription description = ClusterFiles.read(cluster);
        PlacementFile file = PlacementFiles.read(placement);
        PlacementProblem problem = problem(description, file, requests);
        OrToolsMaxFlow solver = new OrToolsMaxFlow();
        List<PlacedGroups.Placed> groups = PlacedGroups.of(problem, file, solver);
        PrintWriter out = spec.commandLine().getOut();
        List<SimulationRun> runs = new ArrayList<>();
        for (SimulationPolicy policy : chosen) {
            runs.add(run(policy, groups, requests));
        }
        String title = title(description, file);
        SimulationTable.print(title, runs, out);
        JsonFile.write(json, SimulationJson.of(runs));
        if (svg != null) {
            LatencyPlot.draw(model + " on " + description.cluster().name() + ": latency", title, runs)
                    .write(svg);
        }
        return 0;
    }

    private PlacementProblem problem(ClusterDescription description, PlacementFile file, TraceInput requests) {
        PlacementConstraints ofFile = description.constraintsOf(model);
        PlacementConstraints asked =
                PlacementConstraints.NONE.withPartialInference(partialInference || ofFile.partialInference());
        PlacementProblem problem =
                new PlacementProblem(description.cluster(), description.model(model), requests.workload(), asked);
        Layout layout = PlacedGroups.layout(problem, file);
        if (asked.partialInference() || new LayoutFlow(problem).value(layout) > 0) {
            return problem;
        }
        PlacementProblem partial = new PlacementProblem(
                description.cluster(), description.model(model), requests.workload(), asked.withPartialInference(true));
        if (new LayoutFlow(partial).value(layout) > 0) {
            spec.commandLine().getErr().println("note: this placement needs partial inference; it is on");
            return partial;
        }
        return problem;
    }

    private SimulationRun run(SimulationPolicy policy, List<PlacedGroups.Placed> groups, TraceInput requests) {
        boolean online = mode == Mode.ONLINE;
        double before = warmUp == null ? online ? 0 : Scenario.OFFLINE_WARM_UP_SECONDS : warmUp.toMillis() / 1e3;
        double measured = window == null
                ? online ? Scenario.ONLINE_WINDOW_SECONDS : Scenario.OFFLINE_WINDOW_SECONDS
                : window.toMillis() / 1e3;
        LoadChoice choice = new LoadChoice(online, rate, arrivals);
        List<Load> loads = choice.of(policy, groups, requests, before + measured, seed);
        List<Scenario.Group> asked = new ArrayList<>();
        for (int g = 0; g < groups.size(); g++) {
            asked.add(new Scenario.Group(groups.get(g).name(), groups.get(g).topology(), loads.get(g)));
        }
        Scenario scenario = new Scenario(
                model + " " + policy.name(),
                asked,
                policy,
                requests.shapes(),
                Scenario.Draw.RANDOM,
                seed,
                before,
                measured,
                false);
        long began = System.nanoTime();
        SimulationResult result = Simulation.run(scenario);
        return new SimulationRun(policy.name(), result, (System.nanoTime() - began) / 1e9);
    }

    private String title(ClusterDescription description, PlacementFile file) {
        String load = mode == Mode.OFFLINE
                ? "offline"
                : rate > 0 ? String.format(Locale.ROOT, "online at %,.0f tokens/s", rate) : "online";
        return model + " on " + description.cluster().name() + ", placement by " + file.method() + ", " + load
                + ", trace " + trace.getFileName() + ", seed " + seed;
    }
}
