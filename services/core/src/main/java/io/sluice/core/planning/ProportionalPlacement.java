package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Static placement: layers proportional to memory, workers grouped into a number of stages.
 *
 * <p>The workers of one stage are replicas: they hold the same layer range, so the smallest memory among them is the
 * stage's memory, and a stage's share of the layers is its share of the stages' memory (largest remainder, at least one
 * layer each). Among the ways to group workers into stages the one whose slowest stage is fastest is taken, where a
 * stage's speed is the sum of its replicas' layer-tokens per second over its layers. Up to {@value #EXACT_WORKERS}
 * workers all groupings are tried; beyond that a greedy start (fastest worker to the slowest stage) is improved by
 * moving and swapping workers until nothing helps. Deterministic: ties keep the earlier grouping, and stages come in
 * the order of their first worker. Stateless and thread-safe.
 */
public final class ProportionalPlacement {
    /** Up to this many workers every grouping is tried: at most 21,147 of them. */
    static final int EXACT_WORKERS = 9;

    private ProportionalPlacement() {}

    /**
     * A worker that can take layers.
     *
     * @param memoryBytes memory for weights, bytes; only its proportion counts when the size of a layer is unknown
     * @param layerTokensPerSecond speed of one layer, tokens/s: tokens per second times layers held when measured
     */
    public record Candidate(WorkerId worker, long memoryBytes, double layerTokensPerSecond) {
        public Candidate {
            if (memoryBytes < 1 || !(layerTokensPerSecond > 0) || Double.isInfinite(layerTokensPerSecond)) {
                throw new IllegalArgumentException("worker " + worker + ": memory " + memoryBytes + " bytes and speed "
                        + layerTokensPerSecond + " layer-tokens/s must be positive and finite");
            }
        }
    }

    /**
     * What is placed.
     *
     * @param layerBytes memory one layer needs, bytes; 0: unknown, not checked
     */
    public record Model(String name, int layerCount, int hiddenSize, int activationBytes, long layerBytes) {
        public Model {
            if (layerCount < 1 || layerBytes < 0) {
                throw new IllegalArgumentException("model " + name + ": layer count " + layerCount
                        + " must be at least 1 and layer size " + layerBytes + " not negative");
            }
        }
    }

    /**
     * Places {@code model} on {@code workers} in {@code stages} stages.
     *
     * @param stages 1 to the number of workers, and at most the model's layers; 0: one stage per worker
     * @throws IllegalArgumentException when that is not possible; the message says why and what would help
     */
    public static PlacementPlan plan(Model model, long epoch, List<Candidate> workers, int stages) {
        int count = stages == 0 ? Math.min(workers.size(), model.layerCount()) : stages;
        check(model, workers, count);
        Search search = new Search(model, workers, count);
        int[] group = workers.size() <= EXACT_WORKERS ? search.exact() : search.greedy();
        if (group == null) {
            throw new IllegalArgumentException(doesNotFit(model, workers, count));
        }
        int[] order = firstAppearance(group, count);
        int[] layers = search.layers(group);
        List<Stage> placed = new ArrayList<>();
        int first = 0;
        for (int g : order) {
            LayerRange range = new LayerRange(first, first + layers[g]);
            for (int w = 0; w < group.length; w++) {
                if (group[w] == g) {
                    placed.add(new Stage(workers.get(w).worker(), range));
                }
            }
            first = range.end();
        }
        return new PlacementPlan(
                model.name(), epoch, model.layerCount(), model.hiddenSize(), model.activationBytes(), placed);
    }

    private static void check(Model model, List<Candidate> workers, int stages) {
        if (workers.isEmpty()) {
            throw new IllegalArgumentException("no worker to place " + model.name() + " on; start at least one");
        }
        if (workers.stream().map(Candidate::worker).distinct().count() < workers.size()) {
            throw new IllegalArgumentException("a worker id is given twice; ids must be unique");
        }
        if (stages < 1 || stages > workers.size()) {
            throw new IllegalArgumentException("cannot make " + stages + " stages of " + workers.size()
                    + " workers; ask for 1 to " + workers.size() + " stages");
        }
        if (stages > model.layerCount()) {
            throw new IllegalArgumentException("cannot make " + stages + " stages of " + model.layerCount()
                    + " layers; ask for at most " + model.layerCount() + " stages");
        }
    }

    private static String doesNotFit(Model model, List<Candidate> workers, int stages) {
        long fits = workers.stream()
                .mapToLong(c -> c.memoryBytes() / model.layerBytes())
                .sum();
        return model.name() + " needs " + model.layerCount() + " layers of " + model.layerBytes() + " bytes; the "
                + workers.size() + " workers hold " + fits + " layers one by one, and not all of them in " + stages
                + " stages of replicas; add memory or workers, or ask for more stages";
    }

    private static int[] firstAppearance(int[] group, int count) {
        return Arrays.stream(group).distinct().limit(count).toArray();
    }

    /** Searches the groupings; {@code group[w]} is the stage of worker {@code w}. */
    private static final class Search {
        private final Model model;
        private final List<Candidate> workers;
        private final int stages;
        private int[] best;
        private double bestSpeed = Double.NEGATIVE_INFINITY;

        Search(Model model, List<Candidate> workers, int stages) {
            this.model = model;
            this.workers = workers;
            this.stages = stages;
        }

        int[] exact() {
            enumerate(new int[workers.size()], 0, 0);
            return best;
        }

        /** Restricted growth strings: worker {@code w} joins a stage in use or opens the next one. */
        private void enumerate(int[] group, int w, int used) {
            if (workers.size() - w < stages - used) {
                return;
            }
            if (w == group.length) {
                offer(group);
                return;
            }
            for (int g = 0; g < Math.min(used + 1, stages); g++) {
                group[w] = g;
                enumerate(group, w + 1, Math.max(used, g + 1));
            }
        }

        private boolean offer(int[] group) {
            double speed = slowest(group);
            if (speed > bestSpeed * (1 + 1e-12) || best == null && speed > 0) {
                bestSpeed = speed;
                best = group.clone();
                return true;
            }
            return false;
        }

        int[] greedy() {
            Integer[] byMemory = new Integer[workers.size()];
            Arrays.setAll(byMemory, i -> i);
            // Workers of like memory together first: a stage is as large as its smallest replica.
            Arrays.sort(
                    byMemory,
                    (a, b) -> Long.compare(
                            workers.get(b).memoryBytes(), workers.get(a).memoryBytes()));
            int[] blocks = new int[workers.size()];
            int[] dealt = new int[workers.size()];
            for (int i = 0; i < blocks.length; i++) {
                blocks[byMemory[i]] = (int) ((long) i * stages / blocks.length);
                dealt[byMemory[i]] = i % stages;
            }
            offer(blocks);
            offer(dealt);
            if (best != null) {
                improve();
            }
            return best;
        }

        private void improve() {
            boolean better = true;
            while (better) {
                better = false;
                int[] group = best.clone();
                for (int a = 0; a < group.length && !better; a++) {
                    for (int g = 0; g < stages && !better; g++) {
                        better = tryMove(group, a, g);
                    }
                    for (int b = a + 1; b < group.length && !better; b++) {
                        better = trySwap(group, a, b);
                    }
                }
            }
        }

        private boolean tryMove(int[] group, int worker, int to) {
            int from = group[worker];
            group[worker] = to;
            boolean better = from != to && offer(group);
            group[worker] = from;
            return better;
        }

        private boolean trySwap(int[] group, int a, int b) {
            if (group[a] == group[b]) {
                return false;
            }
            int held = group[a];
            group[a] = group[b];
            group[b] = held;
            boolean better = offer(group);
            group[b] = group[a];
            group[a] = held;
            return better;
        }

        /** Tokens per second of the slowest stage, or negative infinity when the layers do not fit. */
        private double slowest(int[] group) {
            int[] layers = layers(group);
            if (layers == null) {
                return Double.NEGATIVE_INFINITY;
            }
            double[] speed = new double[stages];
            for (int w = 0; w < group.length; w++) {
                speed[group[w]] += workers.get(w).layerTokensPerSecond();
            }
            double slowest = Double.POSITIVE_INFINITY;
            for (int g = 0; g < stages; g++) {
                slowest = Math.min(slowest, speed[g] / layers[g]);
            }
            return slowest;
        }

        /** Layers per stage, or null when a stage has no worker or the layers do not fit. */
        int[] layers(int[] group) {
            long[] memory = new long[stages];
            Arrays.fill(memory, Long.MAX_VALUE);
            for (int w = 0; w < group.length; w++) {
                memory[group[w]] = Math.min(memory[group[w]], workers.get(w).memoryBytes());
            }
            double total = 0;
            for (long bytes : memory) {
                if (bytes == Long.MAX_VALUE) {
                    return null;
                }
                total += bytes;
            }
            int[] layers = new int[stages];
            int[] most = new int[stages];
            for (int g = 0; g < stages; g++) {
                long fits = model.layerBytes() == 0 ? model.layerCount() : memory[g] / model.layerBytes();
                most[g] = (int) Math.min(fits, model.layerCount());
                layers[g] = 1;
                if (most[g] < 1) {
                    return null;
                }
            }
            for (int given = stages; given < model.layerCount(); given++) {
                int next = mostOwed(layers, most, memory, total);
                if (next < 0) {
                    return null;
                }
                layers[next]++;
            }
            return layers;
        }

        /** The stage furthest below its proportional share that can still take a layer; -1: none can. */
        private int mostOwed(int[] layers, int[] most, long[] memory, double total) {
            int next = -1;
            double owed = Double.NEGATIVE_INFINITY;
            for (int g = 0; g < stages; g++) {
                double debt = model.layerCount() * (memory[g] / total) - layers[g];
                if (layers[g] < most[g] && debt > owed + 1e-9) {
                    owed = debt;
                    next = g;
                }
            }
            return next;
        }
    }
}
