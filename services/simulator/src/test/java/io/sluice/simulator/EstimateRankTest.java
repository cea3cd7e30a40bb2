package io.sluice.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.clusters.ClusterDescription;
import io.sluice.clusters.HelixFolder;
import io.sluice.clusters.RequestLengths;
import io.sluice.core.cluster.RequestShape;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.ServingEstimate;
import io.sluice.core.placement.ServingEstimate.Scheduling;
import io.sluice.simulator.helix.HelixPolicy;
import io.sluice.solver.OrToolsMaxFlow;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;

/**
 * Whether {@link ServingEstimate} ranks layouts as the simulator does. Simulated figures of 74 layouts (published ones,
 * rules, searches, random changes of these; 600 s after 60 s, seed 1) are kept in {@code simulated_layouts.csv}; three
 * of them are simulated anew.
 */
class EstimateRankTest {
    /** A row of the file. */
    private record Simulated(String cluster, Layout layout, double helix, double sluice) {}

    private final HelixFolder helix = HelixFolder.open(examples());
    private final Map<String, PlacementProblem> problems = new HashMap<>();

    private static Path examples() {
        Path at = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(at.resolve("examples/helix"))) {
            at = at.getParent();
        }
        return at.resolve("examples/helix");
    }

    private PlacementProblem problem(String cluster) {
        return problems.computeIfAbsent(cluster, name -> {
            ClusterDescription described = helix.cluster(name);
            return new PlacementProblem(
                    described.cluster(),
                    described.model("llama2_70b"),
                    Workload.AZURE_CONVERSATION,
                    PlacementConstraints.NONE);
        });
    }

    private List<Simulated> rows() throws IOException {
        List<Simulated> rows = new ArrayList<>();
        try (InputStream in = EstimateRankTest.class.getResourceAsStream("simulated_layouts.csv")) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            for (String line : text.lines().skip(1).toList()) {
                String[] cells = line.split(",");
                rows.add(new Simulated(
                        cells[0], layout(cells[2]), Double.parseDouble(cells[3]), Double.parseDouble(cells[5])));
            }
        }
        return rows;
    }

    /** {@code 0[32:35) 1[56:58) ...}. */
    private static Layout layout(String text) {
        String[] nodes = text.split(" ");
        int[] first = new int[nodes.length];
        int[] end = new int[nodes.length];
        for (int i = 0; i < nodes.length; i++) {
            String range = nodes[i].substring(nodes[i].indexOf('[') + 1, nodes[i].length() - 1);
            first[i] = Integer.parseInt(range.substring(0, range.indexOf(':')));
            end[i] = Integer.parseInt(range.substring(range.indexOf(':') + 1));
        }
        return Layout.of(first, end);
    }

    @Test
    void shouldRankLayoutsAsTheSimulatorDoesAndFarBetterThanFlow() throws IOException {
        List<Simulated> rows = rows();
        assertThat(rows).hasSizeGreaterThanOrEqualTo(50);
        for (String cluster : List.of("single24", "geo24", "")) {
            List<Simulated> some = rows.stream()
                    .filter(r -> cluster.isEmpty() || r.cluster().equals(cluster))
                    .toList();
            double helixRho = correlation(some, Simulated::helix, r -> estimate(r, Scheduling.HELIX));
            double sluiceRho = correlation(some, Simulated::sluice, r -> estimate(r, Scheduling.SLUICE));
            double helixFlow = correlation(some, Simulated::helix, this::flow);
            double sluiceFlow = correlation(some, Simulated::sluice, this::flow);
            System.out.printf(
                    "Spearman's rho with simulated decode tokens/s, %d layouts of %s: policy helix %.3f (flow alone"
                            + " %.3f), policy sluice %.3f (flow alone %.3f)%n",
                    some.size(), cluster.isEmpty() ? "both" : cluster, helixRho, helixFlow, sluiceRho, sluiceFlow);
            assertThat(helixRho).as("helix on '%s'", cluster).isGreaterThan(0.9).isGreaterThan(helixFlow);
            assertThat(sluiceRho)
                    .as("sluice on '%s'", cluster)
                    .isGreaterThan(0.8)
                    .isGreaterThan(sluiceFlow);
        }
    }

    @Test
    void shouldStillSimulateWhatTheFileSays() throws IOException {
        List<Simulated> rows = rows();
        List<RequestShape> shapes = RequestLengths.read(examples().resolve("traces/azure_conv_lengths.csv"));
        for (int index : new int[] {0, 1, rows.size() - 1}) {
            Simulated row = rows.get(index);
            Topology topology = Topology.of(problem(row.cluster()), row.layout(), new OrToolsMaxFlow());
            SimulationResult result = Simulation.run(Scenario.offline("rank", topology, new HelixPolicy(), shapes, 1));
            assertThat(result.decodeTokensPerSecond())
                    .as("row %s of simulated_layouts.csv; renew the file when the simulator changed", index + 1)
                    .isCloseTo(row.helix(), within(0.1 * row.helix()));
        }
    }

    private double estimate(Simulated row, Scheduling scheduling) {
        return new ServingEstimate(problem(row.cluster()), scheduling)
                .estimate(row.layout())
                .decodeTokensPerSecond();
    }

    private double flow(Simulated row) {
        return new LayoutFlow(problem(row.cluster())).value(row.layout());
    }

    /** Spearman's rank correlation; ties share their mean rank. */
    private static double correlation(
            List<Simulated> rows, ToDoubleFunction<Simulated> x, ToDoubleFunction<Simulated> y) {
        double[] a = ranks(rows.stream().mapToDouble(x).toArray());
        double[] b = ranks(rows.stream().mapToDouble(y).toArray());
        double mean = (rows.size() - 1) / 2.0;
        double both = 0;
        double squareA = 0;
        double squareB = 0;
        for (int i = 0; i < a.length; i++) {
            both += (a[i] - mean) * (b[i] - mean);
            squareA += (a[i] - mean) * (a[i] - mean);
            squareB += (b[i] - mean) * (b[i] - mean);
        }
        return both / Math.sqrt(squareA * squareB);
    }

    private static double[] ranks(double[] values) {
        return Arrays.stream(values)
                .map(v -> Arrays.stream(values).filter(w -> w < v).count()
                        + (Arrays.stream(values).filter(w -> w == v).count() - 1) / 2.0)
                .toArray();
    }
}
