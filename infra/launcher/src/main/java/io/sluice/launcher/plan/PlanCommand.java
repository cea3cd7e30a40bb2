package io.sluice.launcher.plan;

import io.sluice.clusters.ClusterDescription;
import io.sluice.clusters.ClusterFiles;
import io.sluice.clusters.PlacementFile;
import io.sluice.clusters.PlacementFile.PlacedStage;
import io.sluice.clusters.PlacementFiles;
import io.sluice.core.cluster.RequestShape;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.MultiModelProblem;
import io.sluice.core.placement.MultiModelProblem.Demand;
import io.sluice.core.placement.Objectives;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementReasons;
import io.sluice.core.placement.SearchControl;
import io.sluice.core.placement.SearchProgress;
import io.sluice.launcher.DurationConverter;
import io.sluice.launcher.JsonFile;
import io.sluice.launcher.plan.PlanRun.Planned;
import io.sluice.launcher.simulate.TraceInput;
import io.sluice.solver.OrToolsMaxFlow;
import io.sluice.solver.PlacementCatalogue;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Places a model on a cluster and shows what came out. Needs no running stack. */
@Command(
        name = "plan",
        description = "Decides which node of a cluster holds which layers of a model, and says what limits it.",
        footer = {
            "%nCtrl-C stops the search and prints the best so far. Methods: ./sluice plan --methods.",
            "JSON: flow_tokens_per_s, bound, gap, estimate, bottleneck, one_more[], nodes[], links[].",
            "Several models: JSON has lambda_tokens_per_s, bottleneck, models[]; FILE becomes FILE-MODEL for --svg, --out."
        },
        subcommands = PlanExplainCommand.class,
        mixinStandardHelpOptions = true)
public final class PlanCommand implements Callable<Integer> {
    private static final int MOST_NODES_FOR_GAINS = 300;
    private static final long GAINS_LIMIT_NANOS = 20_000_000_000L;
    private static final long GAIN_CHANGES = 480_000;

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", arity = "0..1", paramLabel = "CLUSTER", description = "Cluster file (YAML).")
    private Path cluster;

    @Option(
            names = "--model",
            paramLabel = "NAME[=WEIGHT]",
            description = "A model of the cluster file; several share the cluster by weight, for example --model a=0.7"
                    + " --model b=0.3; default: the file's demand.")
    private List<String> models = List.of();

    @Option(names = "--methods", description = "List the methods and objectives, and do nothing else.")
    private boolean listMethods;

    @Option(
            names = "--method",
            paramLabel = "NAME",
            defaultValue = "sluice",
            description = "How to search; default: ${DEFAULT-VALUE}, all that helps in turn.")
    private String methodName;

    @Option(
            names = "--objective",
            paramLabel = "NAME",
            defaultValue = "serving",
            description = "What to make large: serving (generated tokens/s as estimated, default), flow, ...")
    private String objectiveName;

    @Option(
            names = "--trace",
            paramLabel = "FILE",
            description = "Request lengths (CSV), whose means count; default: the cluster file's.")
    private Path trace;

    @Option(
            names = "--time-limit",
            paramLabel = "TIME",
            defaultValue = "60s",
            converter = DurationConverter.class,
            description = "Most time for the search; default: ${DEFAULT-VALUE}.")
    private Duration timeLimit;

    @Option(
            names = "--refine",
            paramLabel = "TIME",
            defaultValue = "0s",
            converter = DurationConverter.class,
            description = "Then improve the placement by simulating small changes, at most so long; default: not.")
    private Duration refine;

    @Option(
            names = "--gap",
            paramLabel = "SHARE",
            defaultValue = "0.1%",
            converter = GapConverter.class,
            description = "Stop when no placement can be better by more; default: ${DEFAULT-VALUE}.")
    private double gap;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0", description = "Of all randomness; default: 0.")
    private long seed;

    @Mixin
    private ConstraintOptions asked;

    @Option(names = "--json", paramLabel = "FILE", description = "Write what is printed to FILE as JSON, too.")
    private Path json;

    @Option(names = "--svg", paramLabel = "FILE", description = "Draw the placement to FILE.")
    private Path svg;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "Write the placement to FILE, for simulate and explain.")
    private Path placement;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        if (listMethods) {
            list(out);
            return 0;
        }
        if (cluster == null) {
            throw new ParameterException(spec.commandLine(), "Missing required parameter: 'CLUSTER'");
        }
        if (models.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "Missing required option: '--model=NAME'");
        }
        PlacementMethod method = method();
        PlacementObjective objective = objective();
        ClusterDescription description = ClusterFiles.read(cluster);
        Workload workload =
                trace == null ? description.workload() : TraceInput.read(trace).workload();
        List<ModelShare> shares = shares(description);
        List<PlacementProblem> problems = shares.stream()
                .map(share -> new PlacementProblem(
                        description.cluster(),
                        description.model(share.name()),
                        workload,
                        asked.over(description.constraintsOf(share.name()))))
                .toList();
        OrToolsMaxFlow.load();
        return problems.size() == 1
                ? one(problems.get(0), method, objective, out)
                : several(problems, shares, method, objective, out);
    }

    private List<ModelShare> shares(ClusterDescription description) {
        try {
            return ModelShare.parse(models, description::demandOf);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    /** Several models at once; pictures and placements are files of their own, by model. */
    private int several(
            List<PlacementProblem> problems,
            List<ModelShare> shares,
            PlacementMethod method,
            PlacementObjective objective,
            PrintWriter out) {
        if (!refine.isZero()) {
            throw new ParameterException(
                    spec.commandLine(), "--refine simulates one model; leave it out or give one --model");
        }
        double sum = shares.stream().mapToDouble(ModelShare::weight).sum();
        List<Demand> demands = new ArrayList<>();
        for (int m = 0; m < problems.size(); m++) {
            demands.add(new Demand(problems.get(m), shares.get(m).weight() / sum));
        }
        ProgressLine progress = new ProgressLine(spec.commandLine().getErr(), objective.unit());
        try (StopSignal stop = StopSignal.listen()) {
            SharedPlan plan;
            try {
                plan = SharedPlan.place(
                        new MultiModelProblem(demands), method, objective, control(timeLimit, stop, progress::show));
            } finally {
                progress.end();
            }
            plan.print(out);
            if (stop.stopped()) {
                out.println("  stopped    by you; this is the best so far");
            }
            JsonFile.write(json, plan.json());
            for (Planned planned : plan.models()) {
                String name = planned.report().model();
                write(
                        planned,
                        planned.report(),
                        svg == null ? null : SharedPlan.file(svg, name),
                        placement == null ? null : SharedPlan.file(placement, name));
            }
            out.flush();
            stop.finished();
        }
        return 0;
    }

    private int one(PlacementProblem problem, PlacementMethod method, PlacementObjective objective, PrintWriter out) {
        try (StopSignal stop = StopSignal.listen()) {
            Planned planned = searched(problem, method, objective, stop);
            boolean stopped = stop.stopped();
            PlanReport report = planned.report()
                    .withGains(
                            gains(problem, planned.layout(), objective, control(Duration.ZERO, stop, progress -> {})));
            PlanTable.print(report, out);
            if (stopped) {
                out.println("  stopped    by you; this is the best so far");
            }
            JsonFile.write(json, PlanJson.of(report));
            write(planned, report, svg, placement);
            out.flush();
            stop.finished();
        }
        return 0;
    }

    private Planned searched(
            PlacementProblem problem, PlacementMethod method, PlacementObjective objective, StopSignal stop) {
        ProgressLine progress = new ProgressLine(spec.commandLine().getErr(), objective.unit());
        OrToolsMaxFlow solver = new OrToolsMaxFlow();
        try {
            Planned planned =
                    PlanRun.place(problem, method, objective, control(timeLimit, stop, progress::show), solver);
            if (refine.isZero() || stop.stopped()) {
                return planned;
            }
            progress.end();
            spec.commandLine().getErr().println("simulating small changes for at most " + refine.toSeconds() + " s");
            return PlanRun.refine(
                    planned, shapes(problem.workload()), objective, control(refine, stop, ignored -> {}), solver);
        } finally {
            progress.end();
        }
    }

    private SearchControl control(Duration limit, StopSignal stop, Consumer<SearchProgress> listener) {
        return new SearchControl(
                seed, limit.toNanos(), System.nanoTime(), System::nanoTime, stop::stopped, gap, List.of(), listener);
    }

    private List<RequestShape> shapes(Workload workload) {
        if (trace != null) {
            return TraceInput.read(trace).shapes();
        }
        return List.of(new RequestShape((int) Math.max(1, Math.round(workload.meanPromptTokens())), (int)
                Math.max(1, Math.round(workload.meanOutputTokens()))));
    }

    private static List<PlanReport.Gain> gains(
            PlacementProblem problem, Layout layout, PlacementObjective objective, SearchControl search) {
        if (search.stopped().getAsBoolean() || problem.nodes() > MOST_NODES_FOR_GAINS) {
            return List.of();
        }
        SearchControl brief = new SearchControl(
                search.seed(),
                GAINS_LIMIT_NANOS,
                System.nanoTime(),
                search.nanoTime(),
                search.stopped(),
                0,
                List.of(),
                progress -> {});
        return PlacementReasons.marginalGains(
                        problem, objective, layout, brief, GAIN_CHANGES / Math.max(1, problem.nodes()))
                .stream()
                .map(gain -> new PlanReport.Gain(gain.type(), gain.region(), gain.gain()))
                .sorted(Comparator.comparingDouble(PlanReport.Gain::gain).reversed())
                .toList();
    }

    private void list(PrintWriter out) {
        out.println("methods");
        for (PlacementMethod method : PlacementCatalogue.all()) {
            out.printf(Locale.ROOT, "  %-16s %s%n", method.name(), method.description());
        }
        out.println("objectives");
        Objectives.names().forEach(name -> out.println("  " + name));
        out.flush();
    }

    private PlacementMethod method() {
        try {
            return PlacementCatalogue.byName(methodName);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private PlacementObjective objective() {
        try {
            return Objectives.byName(objectiveName);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private static void write(Planned planned, PlanReport report, Path picture, Path placement) {
        if (picture != null) {
            picture(report).write(picture);
        }
        if (placement != null) {
            List<PlacedStage> stages = new ArrayList<>();
            planned.layout()
                    .stages(planned.problem())
                    .forEach(stage -> stages.add(new PlacedStage(stage.worker(), stage.layers(), "", 0)));
            PlacementFiles.write(
                    new PlacementFile(report.cluster(), report.model(), report.method(), stages), placement);
        }
    }

    /** The picture of a report. */
    static io.sluice.launcher.picture.Svg picture(PlanReport report) {
        StringBuilder summary =
                new StringBuilder("flow ").append(PlanTable.summary(report).get("flow"));
        report.estimate()
                .ifPresent(estimate -> summary.append(String.format(
                        Locale.ROOT,
                        "  ·  about %s generated tokens/s, %.2f s each, prompts %.2f s",
                        PlanTable.count(estimate.decodeTokensPerSecond()),
                        estimate.decodeSeconds(),
                        estimate.promptSeconds())));
        return PlanPicture.draw(
                report.graph(),
                report.model() + " on " + report.cluster() + ", placed by " + report.method(),
                summary.toString(),
                report.bottleneck());
    }
}
