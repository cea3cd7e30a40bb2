package io.sluice.solver;

import io.sluice.core.placement.Feasibility;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Method {@code blocks}: for a flow F, pipelines are put together from {@link Block}s that carry F, by a small integer
 * program ({@link BlockProgram}); F is then halved in. Regions that can hold the model get pipelines of their own, the
 * others one through them all; nodes left over make further pipelines. Links inside a region are taken to be fast, those
 * between regions count by how many there are between two blocks; the exact maximum flow of the layout is what is
 * reported. The bound is that of {@link CoverBound}. Stateless and thread-safe.
 */
public final class BlockPlacement implements PlacementMethod {
    private static final String NAME = "blocks";
    private static final double PROGRAM_SECONDS = 4;
    private static final int MOST_ORDERED_REGIONS = 4;
    /** Above so many nodes a region is cut into equal parts, each with its own pipeline. */
    private static final int MOST_NODES = 260;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String description() {
        return "pipelines of blocks of machines, chosen by an integer program without positions, with a bound from covers"
                + " (Sluice)";
    }

    @Override
    public PlacementOutcome place(PlacementProblem problem, PlacementObjective objective, SearchControl control) {
        Optional<String> impossible = Feasibility.explain(problem);
        if (impossible.isPresent()) {
            return new PlacementOutcome.Infeasible(impossible.get());
        }
        BestSoFar best = new BestSoFar(NAME, problem, objective, control);
        if (best.isFlow()) {
            best.flowBound(new CoverBound(problem).flow(control));
        }
        improve(problem, best, control);
        best.prove();
        return best.outcome("no pipeline of blocks was found in time; give more time or another method");
    }

    /** Offers what it finds to {@code best}. */
    static void improve(PlacementProblem problem, BestSoFar best, SearchControl control) {
        new Run(problem, best, control).run();
    }

    /** One search; keeps which nodes are still free. */
    private static final class Run {
        private final PlacementProblem problem;
        private final BestSoFar best;
        private final SearchControl control;
        private final LayoutFlow flow;
        private final int[] first;
        private final int[] end;

        Run(PlacementProblem problem, BestSoFar best, SearchControl control) {
            this.problem = problem;
            this.best = best;
            this.control = control;
            this.flow = new LayoutFlow(problem);
            this.first = new int[problem.nodes()];
            this.end = new int[problem.nodes()];
            for (int i = 0; i < first.length; i++) {
                if (problem.pinned(i) != null) {
                    first[i] = problem.pinned(i).first();
                    end[i] = problem.pinned(i).end();
                }
            }
        }

        void run() {
            int[] pinnedFirst = first.clone();
            int[] pinnedEnd = end.clone();
            List<List<NodeClass>> all = free();
            if (all.size() > 1 && all.size() <= MOST_ORDERED_REGIONS && problem.nodes() <= MOST_NODES) {
                remaining();
                System.arraycopy(pinnedFirst, 0, first, 0, first.length);
                System.arraycopy(pinnedEnd, 0, end, 0, end.length);
            }
            for (List<NodeClass> part : parts()) {
                if (room(List.of(part)) >= problem.layers() && !best.done()) {
                    pipeline(List.of(List.of(part)));
                }
            }
            remaining();
        }

        /** Pipelines through everything that is free, one after the other, as long as anything comes of it. */
        private void remaining() {
            double before = -1;
            double now = flow.value(first, end);
            while (now > before && !best.done()) {
                List<List<NodeClass>> left = free();
                if (room(left) < problem.layers()) {
                    return;
                }
                before = now;
                now = pipeline(orders(left));
            }
        }

        private double room(List<List<NodeClass>> regions) {
            double room = 0;
            for (List<NodeClass> classes : regions) {
                for (NodeClass c : classes) {
                    room += (double) c.count() * c.maxLayers();
                }
            }
            return room;
        }

        /** Free classes by region. */
        private List<List<NodeClass>> free() {
            Map<String, List<NodeClass>> byRegion = new LinkedHashMap<>();
            for (NodeClass c : NodeClass.of(problem)) {
                List<Integer> members =
                        c.members().stream().filter(i -> end[i] == 0).toList();
                if (c.pinnedTo() == 0 && !members.isEmpty()) {
                    byRegion.computeIfAbsent(c.region(), r -> new ArrayList<>())
                            .add(new NodeClass(c.type(), c.region(), members, c.capacity(), 0));
                }
            }
            return new ArrayList<>(byRegion.values());
        }

        /** Regions, the large ones in equal parts. */
        private List<List<NodeClass>> parts() {
            List<List<NodeClass>> parts = new ArrayList<>();
            for (List<NodeClass> classes : free()) {
                int nodes = classes.stream().mapToInt(NodeClass::count).sum();
                int pieces = (nodes + MOST_NODES - 1) / MOST_NODES;
                for (int piece = 0; piece < pieces; piece++) {
                    List<NodeClass> part = new ArrayList<>();
                    for (NodeClass c : classes) {
                        List<Integer> members =
                                c.members().subList(c.count() * piece / pieces, c.count() * (piece + 1) / pieces);
                        if (!members.isEmpty()) {
                            part.add(new NodeClass(c.type(), c.region(), members, c.capacity(), 0));
                        }
                    }
                    parts.add(part);
                }
            }
            return parts;
        }

        /** Every order of a few regions; of many, the one given and its reverse. */
        private static List<List<List<NodeClass>>> orders(List<List<NodeClass>> regions) {
            List<List<List<NodeClass>>> orders = new ArrayList<>();
            if (regions.size() > MOST_ORDERED_REGIONS) {
                orders.add(regions);
                orders.add(regions.reversed());
                return orders;
            }
            permute(regions, new ArrayList<>(), orders);
            return orders;
        }

        private static void permute(
                List<List<NodeClass>> rest, List<List<NodeClass>> chosen, List<List<List<NodeClass>>> orders) {
            if (rest.isEmpty()) {
                orders.add(List.copyOf(chosen));
            }
            for (List<NodeClass> next : rest) {
                List<List<NodeClass>> others = new ArrayList<>(rest);
                others.remove(next);
                chosen.add(next);
                permute(others, chosen, orders);
                chosen.remove(chosen.size() - 1);
            }
        }

        /** Adds the pipeline of largest flow over one of the orders; returns the flow of everything so far. */
        private double pipeline(List<List<List<NodeClass>>> orders) {
            double start = flow.value(first, end);
            double low = 0;
            double high = workBound(orders.get(0));
            int[] bestFirst = null;
            int[] bestEnd = null;
            double reached = start;
            while (high - low > 2e-4 * high && !best.done()) {
                double target = low == 0 && high > 0 ? high * 0.999 : (low + high) / 2;
                boolean found = false;
                for (List<List<NodeClass>> order : orders) {
                    for (double share : order.size() > 1 ? new double[] {0.75, 1} : new double[] {1}) {
                        int[] beforeFirst = first.clone();
                        int[] beforeEnd = end.clone();
                        if (found || !build(order, target, share)) {
                            continue;
                        }
                        double value = new CrossingSwaps(problem, flow, control).improve(first, end);
                        best.offer(Layout.of(first, end));
                        if (value > reached) {
                            reached = value;
                            bestFirst = first.clone();
                            bestEnd = end.clone();
                        }
                        found = value >= start + target * (1 - 1e-9);
                        System.arraycopy(beforeFirst, 0, first, 0, first.length);
                        System.arraycopy(beforeEnd, 0, end, 0, end.length);
                    }
                }
                low = found ? Math.max(target, Math.min(high, reached - start)) : low;
                high = found ? high : target;
                if (low == 0) {
                    low = Math.min(high, (reached - start) * (1 - 1e-9));
                    high = low == 0 ? high * 0.93 : high;
                    if (high < 1e-3 * workBound(orders.get(0))) {
                        break;
                    }
                }
            }
            if (bestFirst != null) {
                System.arraycopy(bestFirst, 0, first, 0, first.length);
                System.arraycopy(bestEnd, 0, end, 0, end.length);
            }
            return reached;
        }

        private double workBound(List<List<NodeClass>> regions) {
            double high = 0;
            for (List<NodeClass> classes : regions) {
                for (NodeClass c : classes) {
                    high += c.count() * c.work(Double.POSITIVE_INFINITY) / problem.layers();
                }
            }
            double low = 0;
            while (high - low > 1e-9 * high) {
                double middle = (low + high) / 2;
                double sum = 0;
                for (List<NodeClass> classes : regions) {
                    for (NodeClass c : classes) {
                        sum += c.count() * c.work(middle);
                    }
                }
                low = sum >= problem.layers() * middle * (1 - 1e-12) ? middle : low;
                high = low == middle ? high : middle;
            }
            return Math.min(high, best.isFlow() ? best.bound() : high);
        }

        /** Writes a pipeline for the flow into the arrays; {@code share} of the widest links is counted on. */
        private boolean build(List<List<NodeClass>> order, double target, double share) {
            BlockProgram program = new BlockProgram(problem, order, (from, to) -> share * widestLink(from, to));
            Optional<List<BlockProgram.Placed>> blocks = program.solve(target, control, PROGRAM_SECONDS);
            blocks.ifPresent(this::write);
            return blocks.isPresent();
        }

        private void write(List<BlockProgram.Placed> blocks) {
            Map<NodeClass, Integer> next = new IdentityHashMap<>();
            int layer = 0;
            for (BlockProgram.Placed placed : blocks) {
                for (Block.Row row : placed.block().rows()) {
                    NodeClass members = placed.classes().get(row.classNumber());
                    int at = layer;
                    for (int i = 0; i < row.nodes(); i++) {
                        int node = members.members().get(next.merge(members, 1, Integer::sum) - 1);
                        first[node] = at;
                        at += row.layers(i, placed.block().width());
                        end[node] = at;
                    }
                }
                layer += placed.block().width();
            }
        }

        private double widestLink(List<NodeClass> from, List<NodeClass> to) {
            double widest = 0;
            for (NodeClass a : from) {
                for (NodeClass b : to) {
                    for (int u : a.members()) {
                        for (int v : b.members()) {
                            widest = Math.max(widest, problem.linkCapacity(u, v));
                        }
                    }
                }
            }
            return widest;
        }
    }
}
