package io.sluice.core.placement;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Random changes of a layout that keep every range on its node and pinned nodes where they are. Works in place on the
 * caller's arrays. Not thread-safe.
 */
final class LocalMoves {
    private final PlacementProblem problem;
    private final int layers;
    private final int[] first;
    private final int[] end;
    private final int[] movable;
    private final int[][] groups;

    /** @param first ranges to change, with {@code end} */
    LocalMoves(PlacementProblem problem, int[] first, int[] end) {
        this.problem = problem;
        this.layers = problem.layers();
        this.first = first;
        this.end = end;
        int count = 0;
        int[] free = new int[problem.nodes()];
        for (int i = 0; i < problem.nodes(); i++) {
            if (problem.maxLayers(i) > 0 && problem.pinned(i) == null) {
                free[count++] = i;
            }
        }
        this.movable = Arrays.copyOf(free, count);
        this.groups = groups();
    }

    /** Whether there is anything to move. */
    boolean any() {
        return movable.length > 0;
    }

    private int[][] groups() {
        return Arrays.stream(movable)
                .boxed()
                .collect(java.util.stream.Collectors.groupingBy(
                        i -> problem.cluster().nodes().get(i).region() + "\n"
                                + problem.type(i).name(),
                        java.util.TreeMap::new,
                        java.util.stream.Collectors.toList()))
                .values()
                .stream()
                .map(list -> list.stream().mapToInt(i -> i).toArray())
                .toArray(int[][]::new);
    }

    /** Makes one random change; may be none at all. */
    void change(SplittableRandom random) {
        int kind = random.nextInt(100);
        if (kind < 30) {
            shiftBoundary(random);
        } else if (kind < 45) {
            copy(random);
        } else if (kind < 60) {
            swap(random);
        } else if (kind < 75) {
            snap(random);
        } else if (kind < 85) {
            split(random);
        } else if (kind < 93) {
            nudge(random);
        } else if (kind < 96) {
            int node = pick(random);
            set(node, 0, 0);
        } else {
            chainGroup(random);
        }
    }

    private int pick(SplittableRandom random) {
        return movable[random.nextInt(movable.length)];
    }

    private boolean free(int node) {
        return problem.pinned(node) == null;
    }

    private boolean fits(int node, int from, int to) {
        return from >= 0 && to <= layers && to > from && to - from <= problem.maxLayers(node);
    }

    private void set(int node, int from, int to) {
        first[node] = to > from ? from : 0;
        end[node] = to > from ? to : 0;
    }

    /** All ranges that meet at a boundary meet one or two layers further left or right; those too small vanish. */
    private void shiftBoundary(SplittableRandom random) {
        int node = pick(random);
        if (end[node] == first[node]) {
            return;
        }
        int boundary = random.nextBoolean() ? first[node] : end[node];
        int to = boundary + (random.nextBoolean() ? 1 : -1) * (random.nextInt(4) == 0 ? 2 : 1);
        if (boundary == 0 || boundary == layers || to <= 0 || to >= layers) {
            return;
        }
        for (int i : movable) {
            if (end[i] == boundary && end[i] > first[i]) {
                int begin = first[i];
                // What does not fit any more lets go of a layer at its other end.
                set(i, Math.max(begin, to - problem.maxLayers(i)), to);
            } else if (first[i] == boundary && end[i] > first[i]) {
                set(i, to, Math.min(end[i], to + problem.maxLayers(i)));
            }
        }
    }

    /** A node becomes a replica of another, as far as it fits. */
    private void copy(SplittableRandom random) {
        int to = pick(random);
        int from = random.nextInt(problem.nodes());
        if (from == to || end[from] == first[from]) {
            return;
        }
        int size = Math.min(end[from] - first[from], problem.maxLayers(to));
        if (random.nextBoolean()) {
            set(to, first[from], first[from] + size);
        } else {
            set(to, end[from] - size, end[from]);
        }
    }

    private void swap(SplittableRandom random) {
        int a = pick(random);
        int b = pick(random);
        int from = first[a];
        int to = end[a];
        boolean fitsA = end[b] == first[b] || fits(a, first[b], end[b]);
        boolean fitsB = to == from || fits(b, from, to);
        if (a != b && fitsA && fitsB) {
            set(a, first[b], end[b]);
            set(b, from, to);
        }
    }

    /** A node's range goes from the boundary of one node to that of another. */
    private void snap(SplittableRandom random) {
        int node = pick(random);
        int other = random.nextInt(problem.nodes());
        int begin = random.nextInt(8) == 0 ? 0 : random.nextBoolean() ? end[other] : first[other];
        if (begin >= layers) {
            return;
        }
        int most = Math.min(layers, begin + problem.maxLayers(node));
        int reached = -1;
        int seen = 0;
        for (int i = 0; i < first.length; i++) {
            if (end[i] == first[i] || i == node) {
                continue;
            }
            int edge = random.nextBoolean() ? first[i] : end[i];
            // Reservoir sampling over the boundaries in reach.
            if (edge > begin && edge <= most && random.nextInt(++seen) == 0) {
                reached = edge;
            }
        }
        set(node, begin, reached > 0 && random.nextInt(4) > 0 ? reached : begin + 1 + random.nextInt(most - begin));
    }

    /** One node takes the second half of another's range, which keeps the first; both halves may grow or shrink. */
    private void split(SplittableRandom random) {
        int a = pick(random);
        int b = pick(random);
        int size = end[a] - first[a];
        if (a == b || size < 2) {
            return;
        }
        int at = first[a] + 1 + random.nextInt(size - 1);
        int to = end[a];
        if (to - at <= problem.maxLayers(b)) {
            set(a, first[a], at);
            set(b, at, to);
        }
    }

    private void nudge(SplittableRandom random) {
        int node = pick(random);
        int from = first[node] + random.nextInt(3) - 1;
        int to = end[node] + random.nextInt(3) - 1;
        if (fits(node, from, to)) {
            set(node, from, to);
        }
    }

    /** Like machines of a region become a chain, or several in parallel, from a boundary on. */
    private void chainGroup(SplittableRandom random) {
        int[] group = groups[random.nextInt(groups.length)];
        int other = random.nextInt(problem.nodes());
        int begin = random.nextInt(4) == 0 ? 0 : end[other];
        int size = 1 + random.nextInt(problem.maxLayers(group[0]));
        int replicas = 1 + random.nextInt(Math.min(4, group.length));
        int some = 1 + random.nextInt(group.length);
        for (int n = 0; n < some; n++) {
            int from = begin + n / replicas * size;
            if (from < layers && free(group[n])) {
                set(group[n], from, Math.min(layers, from + Math.min(size, problem.maxLayers(group[n]))));
            }
        }
    }
}
