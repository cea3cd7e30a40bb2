package io.sluice.core.placement;

import io.sluice.core.cluster.Links;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A layout with like machines of one region and the same layers taken together, and how requests spread over these
 * groups: a graph small enough to weigh in microseconds. Links between two groups count with the mean bandwidth and
 * latency between their machine types and regions. Keeps arrays between calls: not thread-safe.
 */
final class StageGroups {
    /** Shares of the requests that are routed one after the other. */
    private static final int PORTIONS = 20;
    /** Weight of a link's load beside a node's, as in the canonical split of {@link io.sluice.core.planning.FlowSolver}. */
    private static final double LINK_WEIGHT = 1.0 / 64;

    private static final double OVERLOAD_WEIGHT = 8;

    private final PlacementProblem problem;
    private final int[] kind;
    private final int[] sample;
    private final double[][] meanLink;
    private final double[][] meanLatency;
    private final FlowArrays arrays = new FlowArrays();

    /** Groups, ordered by end of their layers. */
    int groups;

    final int[] first;
    final int[] end;
    final int[] machines;
    /** A node of the group. */
    final int[] node;
    /** Part of all requests that pass the group. */
    final double[] share;

    private final int[] groupKind;
    private final double[] capacity;

    /** Links between groups; -1 is the coordinator. */
    int links;

    int[] from = new int[64];
    int[] to = new int[64];
    double[] linkShare = new double[64];
    private double[] linkCapacity = new double[64];
    private final double[] best;
    private final int[] by;

    StageGroups(PlacementProblem problem) {
        this.problem = problem;
        int nodes = problem.nodes();
        List<String> names = new ArrayList<>();
        this.kind = new int[nodes];
        for (int i = 0; i < nodes; i++) {
            String name = problem.cluster().nodes().get(i).region() + "\n"
                    + problem.type(i).name();
            if (!names.contains(name)) {
                names.add(name);
            }
            kind[i] = names.indexOf(name);
        }
        this.sample = new int[names.size()];
        this.meanLink = new double[names.size() + 1][names.size() + 1];
        this.meanLatency = new double[names.size() + 1][names.size() + 1];
        average();
        this.first = new int[nodes];
        this.end = new int[nodes];
        this.machines = new int[nodes];
        this.node = new int[nodes];
        this.share = new double[nodes];
        this.groupKind = new int[nodes];
        this.capacity = new double[nodes];
        this.best = new double[nodes];
        this.by = new int[nodes];
    }

    private void average() {
        int[][] pairs = new int[meanLink.length][meanLink.length];
        for (int u = Links.COORDINATOR; u < kind.length; u++) {
            for (int v = Links.COORDINATOR; v < kind.length; v++) {
                if (u != v) {
                    int a = u < 0 ? 0 : kind[u] + 1;
                    int b = v < 0 ? 0 : kind[v] + 1;
                    pairs[a][b]++;
                    meanLink[a][b] += problem.linkCapacity(u, v);
                    meanLatency[a][b] += problem.cluster().links().latencySeconds(u, v);
                }
            }
        }
        for (int a = 0; a < pairs.length; a++) {
            for (int b = 0; b < pairs.length; b++) {
                meanLink[a][b] /= Math.max(1, pairs[a][b]);
                meanLatency[a][b] /= Math.max(1, pairs[a][b]);
            }
        }
    }

    /** Tokens/s of one link between two machines of the groups; -1 is the coordinator. */
    double tokensPerSecond(int link) {
        return meanLink[from[link] < 0 ? 0 : groupKind[from[link]] + 1][to[link] < 0 ? 0 : groupKind[to[link]] + 1];
    }

    double latencySeconds(int link) {
        return meanLatency[from[link] < 0 ? 0 : groupKind[from[link]] + 1][to[link] < 0 ? 0 : groupKind[to[link]] + 1];
    }

    /** Number of single links behind a link between groups. */
    int pairs(int link) {
        return (from[link] < 0 ? 1 : machines[from[link]]) * (to[link] < 0 ? 1 : machines[to[link]]);
    }

    /** Groups the ranges and spreads requests over them; false: no pipeline passes every layer. */
    boolean spread(int[] begin, int[] stop) {
        group(begin, stop);
        connect();
        double flow = maxFlow();
        if (!(flow > 0)) {
            return false;
        }
        Arrays.fill(share, 0, groups, 0);
        Arrays.fill(linkShare, 0, links, 0);
        for (int portion = 0; portion < PORTIONS; portion++) {
            route(flow, 1.0 / PORTIONS);
        }
        return true;
    }

    private void group(int[] begin, int[] stop) {
        groups = 0;
        for (int i = 0; i < begin.length; i++) {
            if (stop[i] == begin[i]) {
                continue;
            }
            int at = 0;
            while (at < groups && (groupKind[at] != kind[i] || first[at] != begin[i] || end[at] != stop[i])) {
                at++;
            }
            if (at == groups) {
                while (at > 0 && (end[at - 1] > stop[i] || end[at - 1] == stop[i] && first[at - 1] > begin[i])) {
                    move(at - 1, at);
                    at--;
                }
                groupKind[at] = kind[i];
                first[at] = begin[i];
                end[at] = stop[i];
                machines[at] = 0;
                node[at] = i;
                capacity[at] = 0;
                groups++;
            }
            machines[at]++;
            capacity[at] += problem.capacity(i, stop[i] - begin[i]);
        }
    }

    private void move(int source, int target) {
        groupKind[target] = groupKind[source];
        first[target] = first[source];
        end[target] = end[source];
        machines[target] = machines[source];
        node[target] = node[source];
        capacity[target] = capacity[source];
    }

    private void connect() {
        links = 0;
        for (int v = 0; v < groups; v++) {
            if (first[v] == 0) {
                link(-1, v);
            }
            for (int u = 0; u < v; u++) {
                if (problem.connects(end[u], first[v], end[v])) {
                    link(u, v);
                }
            }
            if (end[v] == problem.layers()) {
                link(v, -1);
            }
        }
    }

    private void link(int tail, int head) {
        if (links == from.length) {
            from = Arrays.copyOf(from, 2 * links);
            to = Arrays.copyOf(to, 2 * links);
            linkShare = Arrays.copyOf(linkShare, 2 * links);
            linkCapacity = Arrays.copyOf(linkCapacity, 2 * links);
        }
        from[links] = tail;
        to[links] = head;
        linkCapacity[links] = tokensPerSecond(links) * pairs(links);
        if (linkCapacity[links] > 0) {
            links++;
        }
    }

    private double maxFlow() {
        int source = 2 * groups;
        arrays.reset(source + 2);
        for (int g = 0; g < groups; g++) {
            arrays.add(2 * g, 2 * g + 1, capacity[g]);
        }
        for (int l = 0; l < links; l++) {
            arrays.add(from[l] < 0 ? source : 2 * from[l] + 1, to[l] < 0 ? source + 1 : 2 * to[l], linkCapacity[l]);
        }
        return arrays.maxFlow(source, source + 1);
    }

    /** Sends a portion over the pipeline whose load grows least. */
    private void route(double flow, double portion) {
        Arrays.fill(best, 0, groups, Double.POSITIVE_INFINITY);
        double arrived = Double.POSITIVE_INFINITY;
        int last = -1;
        for (int l = 0; l < links; l++) {
            double cost = from[l] < 0 ? 0 : best[from[l]];
            if (cost == Double.POSITIVE_INFINITY) {
                continue;
            }
            cost += load((linkShare[l] + portion) * flow / linkCapacity[l], LINK_WEIGHT);
            if (to[l] < 0) {
                if (cost < arrived) {
                    arrived = cost;
                    last = l;
                }
            } else {
                int g = to[l];
                cost += load((share[g] + portion) * flow / capacity[g], 1);
                if (cost < best[g]) {
                    best[g] = cost;
                    by[g] = l;
                }
            }
        }
        for (int l = last; l >= 0; l = from[l] < 0 ? -1 : by[from[l]]) {
            linkShare[l] += portion;
            if (to[l] >= 0) {
                share[to[l]] += portion;
            }
        }
    }

    private static double load(double used, double weight) {
        double square = used * used;
        double fourth = square * square;
        return weight * used + OVERLOAD_WEIGHT * fourth * fourth;
    }
}
