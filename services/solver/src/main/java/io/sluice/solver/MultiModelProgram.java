package io.sluice.solver;

import com.google.ortools.linearsolver.MPConstraint;
import com.google.ortools.linearsolver.MPVariable;
import io.sluice.core.cluster.Links;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.LayoutFlow.LinkFlow;
import io.sluice.core.placement.MultiModelProblem;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import io.sluice.solver.MultiModelFlow.Binding;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;

/**
 * The rows and columns of {@link MultiModelFlow}. Every model's flow is counted in parts of what it could carry alone,
 * so that all figures are about 1; a node or link that all models together cannot fill gets no row. Holds native memory
 * until closed; not thread-safe.
 */
final class MultiModelProgram implements AutoCloseable {
    private static final double AMPLE_SECONDS = 600;
    /** What simplex rounds. */
    private static final double SLACK = 1e-8;

    private static final double RAISED = 1e-6;

    private final MultiModelProblem problem;
    private final List<Layout> layouts;
    private final Mip mip = Mip.linear();
    private final SearchControl control = SearchControl.of(0, AMPLE_SECONDS, System::nanoTime);
    private final double[] alone;
    private final MPVariable[] total;
    private final MPConstraint[] share;
    private final List<List<Edge>> edges = new ArrayList<>();
    private final List<Resource> resources = new ArrayList<>();
    private final MPVariable level;
    private final double[] reached;
    private List<Binding> bindings = List.of();

    /** A link as one model may use it. */
    private record Edge(int from, int to, MPVariable flow) {}

    /** One model's use of a node or link: {@code flow / capacity} of it. */
    private record Use(int model, double capacity, List<MPVariable> flows) {}

    /** A node or link that may bind; row null: it cannot. */
    private record Resource(String name, List<Use> uses, MPConstraint row) {}

    MultiModelProgram(MultiModelProblem problem, List<Layout> layouts) {
        this.problem = problem;
        this.layouts = layouts;
        int models = problem.models();
        this.alone = new double[models];
        this.total = new MPVariable[models];
        this.share = new MPConstraint[models];
        this.reached = new double[models];
        this.level = mip.real(0, Double.POSITIVE_INFINITY);
        for (int m = 0; m < models; m++) {
            alone[m] = new LayoutFlow(problem.problem(m)).value(layouts.get(m));
            total[m] = mip.real(0, Double.POSITIVE_INFINITY);
            share[m] = mip.atLeast(0);
            share[m].setCoefficient(total[m], 1);
            edges.add(alone[m] > 0 ? edges(m) : List.of());
            conserve(m);
        }
        shareNodes();
        shareLinks();
    }

    private List<Edge> edges(int m) {
        PlacementProblem one = problem.problem(m);
        Layout layout = layouts.get(m);
        List<Edge> found = new ArrayList<>();
        for (int u = Links.COORDINATOR; u < one.nodes(); u++) {
            if (u != Links.COORDINATOR && one.capacity(u, layout.layers(u)) <= 0) {
                continue;
            }
            if (u != Links.COORDINATOR && layout.end(u) == one.layers()) {
                add(one, u, Links.COORDINATOR, found);
            }
            for (int v = 0; v < one.nodes(); v++) {
                boolean joined = v != u
                        && one.capacity(v, layout.layers(v)) > 0
                        && (u == Links.COORDINATOR
                                ? layout.first(v) == 0
                                : one.connects(layout.end(u), layout.first(v), layout.end(v)));
                if (joined) {
                    add(one, u, v, found);
                }
            }
        }
        return found;
    }

    private void add(PlacementProblem one, int from, int to, List<Edge> found) {
        if (one.linkCapacity(from, to) > 0) {
            found.add(new Edge(from, to, mip.real(0, Double.POSITIVE_INFINITY)));
        }
    }

    private void conserve(int m) {
        MPConstraint source = mip.row(0, 0);
        source.setCoefficient(total[m], -1);
        MPConstraint[] through = new MPConstraint[problem.cluster().nodes().size()];
        for (Edge edge : edges.get(m)) {
            if (edge.from() == Links.COORDINATOR) {
                source.setCoefficient(edge.flow(), 1);
            } else {
                node(through, edge.from()).setCoefficient(edge.flow(), -1);
            }
            if (edge.to() != Links.COORDINATOR) {
                node(through, edge.to()).setCoefficient(edge.flow(), 1);
            }
        }
    }

    private MPConstraint node(MPConstraint[] through, int node) {
        if (through[node] == null) {
            through[node] = mip.row(0, 0);
        }
        return through[node];
    }

    private void shareNodes() {
        for (int i = 0; i < problem.cluster().nodes().size(); i++) {
            List<Use> uses = new ArrayList<>();
            for (int m = 0; m < problem.models(); m++) {
                int node = i;
                List<MPVariable> flows = edges.get(m).stream()
                        .filter(edge -> edge.to() == node)
                        .map(Edge::flow)
                        .toList();
                if (!flows.isEmpty()) {
                    double capacity =
                            problem.problem(m).capacity(i, layouts.get(m).layers(i));
                    uses.add(new Use(m, capacity, flows));
                }
            }
            limit("node " + problem.cluster().nodes().get(i).id(), uses);
        }
    }

    private void shareLinks() {
        TreeMap<Long, List<Use>> byLink = new TreeMap<>();
        long nodes = problem.cluster().nodes().size() + 1L;
        for (int m = 0; m < problem.models(); m++) {
            for (Edge edge : edges.get(m)) {
                double capacity = problem.problem(m).linkCapacity(edge.from(), edge.to());
                byLink.computeIfAbsent((edge.from() + 1) * nodes + edge.to() + 1, key -> new ArrayList<>())
                        .add(new Use(m, capacity, List.of(edge.flow())));
            }
        }
        byLink.forEach((key, uses) -> {
            LinkFlow link = new LinkFlow((int) (key / nodes) - 1, (int) (key % nodes) - 1, 0, 0);
            limit("link " + link.name(problem.problem(0)), uses);
        });
    }

    private void limit(String name, List<Use> uses) {
        double most = uses.stream()
                .mapToDouble(use -> alone[use.model()] / use.capacity())
                .sum();
        // Flows below this never fill it, so it is in no minimum cut.
        if (most < 1 - RAISED) {
            return;
        }
        MPConstraint row = mip.atMost(1);
        for (Use use : uses) {
            use.flows().forEach(flow -> row.setCoefficient(flow, alone[use.model()] / use.capacity()));
        }
        resources.add(new Resource(name, uses, row));
    }

    /** Raises all models by weight until one can no further, then the others, until none can. */
    void fill() {
        boolean[] frozen = new boolean[problem.models()];
        double scale = Double.POSITIVE_INFINITY;
        for (int m = 0; m < frozen.length; m++) {
            frozen[m] = alone[m] <= 0;
            scale = frozen[m] ? scale : Math.min(scale, alone[m] / problem.weight(m));
        }
        boolean first = true;
        while (open(frozen) > 0) {
            for (int m = 0; m < frozen.length; m++) {
                share[m].setCoefficient(level, frozen[m] ? 0 : -scale * problem.weight(m) / Math.max(alone[m], 1e-300));
                share[m].setLb(frozen[m] ? reached[m] * (1 - SLACK) : 0);
            }
            mip.objective(level, 1);
            solve("the concurrent flow");
            // Values and prices are gone as soon as the program is changed.
            double lambda = level.solutionValue() * scale;
            if (first && open(frozen) == frozen.length) {
                bindings = read();
            }
            mip.objective(level, 0);
            first = false;
            for (int m = 0; m < frozen.length; m++) {
                share[m].setCoefficient(level, 0);
                reached[m] = frozen[m] ? reached[m] : lambda * problem.weight(m) / alone[m];
                share[m].setLb(reached[m] * (1 - SLACK));
            }
            freeze(frozen);
        }
    }

    private static int open(boolean[] frozen) {
        int open = 0;
        for (boolean done : frozen) {
            open += done ? 0 : 1;
        }
        return open;
    }

    /** Marks the models that cannot carry more while the others keep what they have. */
    private void freeze(boolean[] frozen) {
        int before = open(frozen);
        if (before == 1) {
            Arrays.fill(frozen, true);
            return;
        }
        boolean[] was = frozen.clone();
        for (int m = 0; m < frozen.length; m++) {
            if (was[m]) {
                continue;
            }
            mip.objective(total[m], 1);
            solve("the rest of model " + problem.name(m));
            frozen[m] = total[m].solutionValue() <= reached[m] * (1 + RAISED);
            mip.objective(total[m], 0);
        }
        if (open(frozen) == before) {
            // Rounding only: if each could carry more, all could, a little.
            Arrays.fill(frozen, true);
        }
    }

    /** Makes the sum of flow by weight large. */
    void weightedSum() {
        double scale = 0;
        for (int m = 0; m < total.length; m++) {
            scale += alone[m] * problem.weight(m);
        }
        for (int m = 0; m < total.length && scale > 0; m++) {
            mip.objective(total[m], alone[m] * problem.weight(m) / scale);
        }
        solve("the weighted sum");
        bindings = read();
        for (int m = 0; m < total.length; m++) {
            reached[m] = total[m].solutionValue();
        }
        for (MPVariable flow : total) {
            mip.objective(flow, 0);
        }
    }

    /** Keeps every model's flow and sends it where links take the least time, over the fewest nodes. */
    void leastLatency() {
        double sum = Arrays.stream(alone).sum();
        for (int m = 0; m < total.length; m++) {
            share[m].setLb(reached[m] * (1 - SLACK));
            for (Edge edge : edges.get(m)) {
                double seconds = 1e-3 + problem.cluster().links().latencySeconds(edge.from(), edge.to());
                mip.objective(edge.flow(), -seconds * alone[m] / sum);
            }
        }
        solve("the least latency");
    }

    private void solve(String what) {
        if (!mip.solve(control, AMPLE_SECONDS) || !mip.optimal()) {
            throw new IllegalStateException("GLOP did not find " + what + " of " + problem.models() + " models in "
                    + mip.variables() + " columns and " + mip.rows() + " rows");
        }
    }

    List<Binding> bindings() {
        return bindings;
    }

    private List<Binding> read() {
        List<Binding> found = new ArrayList<>();
        for (Resource resource : resources) {
            double price = Math.abs(resource.row().dualValue());
            if (price > RAISED) {
                List<String> users = new ArrayList<>();
                for (Use use : resource.uses()) {
                    double used = use.flows().stream()
                                    .mapToDouble(MPVariable::solutionValue)
                                    .sum()
                            * alone[use.model()]
                            / use.capacity();
                    if (used > RAISED) {
                        users.add(String.format(Locale.ROOT, "%.0f %% %s", 100 * used, problem.name(use.model())));
                    }
                }
                found.add(new Binding(resource.name(), price, String.join(", ", users)));
            }
        }
        found.sort(Comparator.comparingDouble(Binding::price).reversed().thenComparing(Binding::name));
        return found;
    }

    /** What flows over the links for model {@code m}, tokens/s. */
    List<LinkFlow> links(int m) {
        List<LinkFlow> flows = new ArrayList<>();
        for (Edge edge : edges.get(m)) {
            double part = edge.flow().solutionValue();
            if (part > 1e-10) {
                double capacity = problem.problem(m).linkCapacity(edge.from(), edge.to());
                flows.add(new LinkFlow(edge.from(), edge.to(), part * alone[m], capacity));
            }
        }
        return flows;
    }

    @Override
    public void close() {
        mip.close();
    }
}
