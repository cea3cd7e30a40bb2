package io.sluice.solver;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Method {@code blocks}: for a flow F, pipelines are put together from {@link Block}s that carry F, by a small integer
 * program ({@link BlockProgram}); F is then halved in. Regions that can hold the model get pipelines of their own, the
 * others one through them all; nodes left over make further pipelines. Beyond {@value #MANY_NODES} nodes, pipelines go
 * through groups of regions, each group solved by itself ({@link ChainSearch}). Links inside a region are taken to be fast, those
 * between regions count by how many there are between two blocks; the exact maximum flow of the layout is what is
 * reported. The bound is that of {@link CoverBound}. Stateless and thread-safe.
 */
public final class BlockPlacement implements PlacementMethod {
    private static final String NAME = "blocks";
    private static final double PROGRAM_SECONDS = 2;
    /** Parts of the relaxed flow that are tried until one succeeds. */
    private static final double[] SHARES = {0.9999, 0.995, 0.985, 0.97, 0.95, 0.92, 0.88, 0.82, 0.75, 0.65, 0.5, 0.3};

    private static final double PRECISION = 2e-4;
    private static final int RELAXED_STEPS = 9;
    /** About so many nodes of several regions get one pipeline. */
    private static final int MOST_JOINT_NODES = 220;
    /** Part of the time for pipelines through several regions. */
    private static final double JOINT_SHARE = 0.9;

    private static final int MOST_ORDERED_REGIONS = 4;
    private static final int MANY_NODES = 40;
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
        return BestSoFar.search(NAME, problem, objective, control, best -> run(problem, best, control));
    }

    private PlacementOutcome run(PlacementProblem problem, BestSoFar best, SearchControl control) {
        if (best.isFlow()) {
            best.flowBound(new CoverBound(problem).flow(SluicePlacement.forBound(control)));
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
            boolean few = problem.nodes() <= MANY_NODES;
            if (all.size() > 1 && few && all.size() <= MOST_ORDERED_REGIONS) {
                remaining();
                restore(pinnedFirst, pinnedEnd);
            }
            var asked = problem.constraints();
            boolean deep = asked.maxHops() == 0 && asked.priceCeilingPerHour() == 0;
            if (all.size() > 1 && !few && deep) {
                chains(all);
                restore(pinnedFirst, pinnedEnd);
            }
            for (List<NodeClass> part : parts()) {
                if (room(List.of(part)) >= problem.layers() && !best.done()) {
                    pipeline(List.of(List.of(part)));
                }
            }
            if (problem.nodes() <= MOST_NODES) {
                remaining();
            }
        }

        /** Neighbouring regions in groups that are not too large, each for one pipeline. */
        private List<List<List<NodeClass>>> chunks(List<List<NodeClass>> regions) {
            int count = (problem.nodes() + MOST_JOINT_NODES - 1) / MOST_JOINT_NODES;
            count = Math.min(count, regions.size());
            List<List<List<NodeClass>>> chunks = new ArrayList<>();
            for (int c = 0; c < count; c++) {
                chunks.add(regions.subList(regions.size() * c / count, regions.size() * (c + 1) / count));
            }
            return chunks;
        }

        /** A pipeline through each group of neighbouring regions, in turns so that each has as much time. */
        private void chains(List<List<NodeClass>> regions) {
            double left = control.remainingSeconds() * JOINT_SHARE;
            double from = control.elapsedSeconds();
            List<List<List<NodeClass>>> chunks = chunks(regions);
            for (int c = 0; c < chunks.size() && !best.done(); c++) {
                List<Integer> nodes = chunks.get(c).stream()
                        .flatMap(List::stream)
                        .flatMap(members -> members.members().stream())
                        .sorted()
                        .toList();
                PlacementProblem part = chunks.size() == 1 ? problem : SubProblem.of(problem, nodes);
                SearchControl silent = control.withListener(progress -> {}).withStarts(List.of());
                new ChainSearch(part, silent, from + left * (c + 1) / chunks.size(), best::done).run(found -> {
                    for (int i = 0; i < nodes.size(); i++) {
                        int at = chunks.size() == 1 ? nodes.get(i) : i;
                        first[nodes.get(i)] = found.first()[at];
                        end[nodes.get(i)] = found.end()[at];
                    }
                    best.offer(Layout.of(first, end));
                });
            }
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

        /** Every order of a few regions; of many, the one given. */
        private List<List<List<NodeClass>>> orders(List<List<NodeClass>> regions) {
            List<List<List<NodeClass>>> orders = new ArrayList<>();
            if (regions.size() > MOST_ORDERED_REGIONS || problem.nodes() > MANY_NODES) {
                orders.add(regions);
                return orders;
            }
            permute(regions, new ArrayList<>(), orders);
            // A pipeline and its reverse are alike: links are mostly the same both ways.
            return orders.size() <= 2
                    ? orders.subList(0, 1)
                    : orders.stream().filter(Run::forwards).toList();
        }

        private static boolean forwards(List<List<NodeClass>> order) {
            return order.get(0).get(0).members().get(0)
                    < order.get(order.size() - 1).get(0).members().get(0);
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
            Search search = new Search(orders, start);
            double high = workBound(orders.get(0));
            high = search.relaxed(high);
            double failed = high;
            for (double share : SHARES) {
                if (search.reached > start || best.done() || !(high > 0)) {
                    break;
                }
                if (!search.attempt(high * share)) {
                    failed = high * share;
                }
            }
            double low = search.reached - start;
            while (low > 0 && failed - low > PRECISION * failed && !best.done()) {
                double middle = (low + failed) / 2;
                if (search.attempt(middle)) {
                    low = Math.max(middle, search.reached - start);
                } else {
                    failed = middle;
                }
            }
            search.keep();
            return search.reached;
        }

        /** The search for one pipeline's flow beside what is there already. */
        private final class Search {
            private final List<List<List<NodeClass>>> orders;
            private final double start;
            private final int[] startFirst = first.clone();
            private final int[] startEnd = end.clone();
            private int[] bestFirst = startFirst;
            private int[] bestEnd = startEnd;
            private double reached;

            Search(List<List<List<NodeClass>>> orders, double start) {
                this.orders = orders;
                this.start = start;
                this.reached = start;
            }

            /** The largest flow whose linear program has a solution, for the order that carries most. */
            double relaxed(double most) {
                double high = most;
                double low = 0;
                for (int step = 0; step < RELAXED_STEPS && !best.done(); step++) {
                    double middle = step == 0 ? high * (1 - PRECISION) : (low + high) / 2;
                    boolean any = false;
                    for (int o = 0; o < orders.size() && !any; o++) {
                        List<List<NodeClass>> order = orders.get(o);
                        any = new BlockProgram(problem, order, BlockPlacement.Run.this::widestLink)
                                .relaxed(middle, control);
                    }
                    if (any && step == 0) {
                        return high;
                    }
                    low = any ? middle : low;
                    high = any ? high : middle;
                }
                return high;
            }

            /** Whether a layout of this flow was found; the best one is remembered. */
            boolean attempt(double target) {
                for (List<List<NodeClass>> order : orders) {
                    for (double share : order.size() > 1 ? new double[] {1, 0.85} : new double[] {1}) {
                        if (best.done() || !build(order, target, share)) {
                            continue;
                        }
                        double value = new CrossingSwaps(problem, flow, control).improve(first, end);
                        best.offer(Layout.of(first, end));
                        if (value > reached) {
                            reached = value;
                            bestFirst = first.clone();
                            bestEnd = end.clone();
                        }
                        restore(startFirst, startEnd);
                        if (value >= start + target * (1 - 1e-9)) {
                            return true;
                        }
                    }
                }
                return false;
            }

            void keep() {
                restore(bestFirst, bestEnd);
            }
        }

        private void restore(int[] oldFirst, int[] oldEnd) {
            System.arraycopy(oldFirst, 0, first, 0, first.length);
            System.arraycopy(oldEnd, 0, end, 0, end.length);
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
            return Math.min(high, best.bound() > 0 && best.isFlow() ? best.bound() : high);
        }

        /** Writes a pipeline for the flow into the arrays; {@code share} of the widest links is counted on. */
        private boolean build(List<List<NodeClass>> order, double target, double share) {
            BlockProgram program = new BlockProgram(problem, order, (from, to) -> share * widestLink(from, to));
            Optional<List<BlockProgram.Placed>> blocks = program.solve(target, control, PROGRAM_SECONDS);
            blocks.ifPresent(new BlockWriter(problem, first, end)::write);
            return blocks.isPresent();
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
