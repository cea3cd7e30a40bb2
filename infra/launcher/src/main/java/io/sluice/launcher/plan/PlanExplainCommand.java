package io.sluice.launcher.plan;

import io.sluice.clusters.ClusterDescription;
import io.sluice.clusters.ClusterFiles;
import io.sluice.clusters.PlacementFile;
import io.sluice.clusters.PlacementFiles;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.Objectives;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementReasons;
import io.sluice.core.placement.PlacementReasons.NodeReason;
import io.sluice.launcher.JsonFile;
import io.sluice.launcher.UserException;
import io.sluice.launcher.simulate.PlacedGroups;
import io.sluice.solver.OrToolsMaxFlow;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says why nodes hold the layers they hold. */
@Command(
        name = "explain",
        description = "Says why nodes got their layers: what would be served without them, or with other layers.",
        mixinStandardHelpOptions = true)
final class PlanExplainCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "CLUSTER", description = "Cluster file (YAML).")
    private Path cluster;

    @Option(names = "--model", paramLabel = "NAME", required = true, description = "A model of the cluster file.")
    private String model;

    @Option(names = "--placement", paramLabel = "FILE", required = true, description = "Placement (JSON).")
    private Path placement;

    @Option(names = "--node", paramLabel = "NODE", description = "Only this node; default: all.")
    private String node;

    @Option(
            names = "--objective",
            paramLabel = "NAME",
            defaultValue = "serving",
            description = "What is compared; default: ${DEFAULT-VALUE}, generated tokens/s as estimated.")
    private String objectiveName;

    @Mixin
    private ConstraintOptions asked;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures to FILE as JSON, too.")
    private Path json;

    @Override
    public Integer call() {
        PlacementObjective objective;
        try {
            objective = Objectives.byName(objectiveName);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
        ClusterDescription description = ClusterFiles.read(cluster);
        PlacementFile file = PlacementFiles.read(placement);
        PlacementProblem problem = new PlacementProblem(
                description.cluster(),
                description.model(model),
                description.workload(),
                asked.over(description.constraintsOf(model)));
        Layout layout = PlacedGroups.layout(problem, file);
        PlacementReasons reasons = PlacementReasons.of(problem, objective, layout);
        print(problem, layout, objective, reasons, chosen(problem, reasons));
        JsonFile.write(json, json(problem, objective, reasons));
        return 0;
    }

    private List<NodeReason> chosen(PlacementProblem problem, PlacementReasons reasons) {
        List<NodeReason> chosen = reasons.nodes().stream()
                .filter(reason -> node == null || name(problem, reason).equals(node))
                .toList();
        if (chosen.isEmpty()) {
            throw new UserException("there is no node '" + node + "' in cluster "
                    + problem.cluster().name() + "; it has "
                    + reasons.nodes().stream()
                            .map(reason -> name(problem, reason))
                            .toList());
        }
        return chosen;
    }

    private void print(
            PlacementProblem problem,
            Layout layout,
            PlacementObjective objective,
            PlacementReasons reasons,
            List<NodeReason> chosen) {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                Locale.ROOT,
                "%s on %s: %s %s %s, flow %s tokens/s%n",
                model,
                problem.cluster().name(),
                objective.name(),
                PlanTable.count(reasons.value()),
                objective.unit(),
                PlanTable.count(reasons.flow()));
        LayoutFlow.Detail detail = new LayoutFlow(problem).detail(layout);
        PlanGraph graph = PlanGraphs.of(problem, layout, detail, new OrToolsMaxFlow());
        PlanPicture.wrap(Bottleneck.words(problem, layout, detail, graph), 110).forEach(out::println);
        NodeSentences sentences = new NodeSentences(problem, layout, graph, objective, reasons);
        for (NodeReason reason : chosen) {
            out.println();
            List<String> said = new ArrayList<>(sentences.of(reason));
            out.println(said.remove(0));
            PlanPicture.wrap(String.join(" ", said), 108).forEach(line -> out.println("  " + line));
        }
        out.flush();
    }

    private Map<String, Object> json(PlacementProblem problem, PlacementObjective objective, PlacementReasons reasons) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("objective", objective.name());
        json.put("value", reasons.value());
        json.put("flow_tokens_per_s", reasons.flow());
        json.put(
                "nodes",
                chosen(problem, reasons).stream()
                        .map(reason -> node(problem, reason))
                        .toList());
        return json;
    }

    private static Map<String, Object> node(PlacementProblem problem, NodeReason reason) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("node", name(problem, reason));
        json.put("without", known(reason.without()));
        json.put("one_more", known(reason.oneMore()));
        json.put("one_fewer", known(reason.oneFewer()));
        json.put("shifted", known(reason.shifted()));
        json.put("best_elsewhere", known(reason.bestElsewhere()));
        json.put("elsewhere_first_layer", reason.elsewhereFirst());
        json.put("elsewhere_end_layer", reason.elsewhereEnd());
        json.put("in_minimum_cut", reason.inMinimumCut());
        json.put("used", reason.utilisation());
        json.put("least_replicas", reason.leastReplicas());
        return json;
    }

    private static String name(PlacementProblem problem, NodeReason reason) {
        return problem.cluster().nodes().get(reason.node()).id().value();
    }

    private static Double known(double value) {
        return Double.isNaN(value) ? null : value;
    }
}
