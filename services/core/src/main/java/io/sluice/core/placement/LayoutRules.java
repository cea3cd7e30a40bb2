package io.sluice.core.placement;

import java.util.Arrays;

/**
 * How far ranges are from what the owner asked, as a number a search can walk down: 0 means every constraint holds.
 * Ranges must fit their nodes and keep pinned and empty nodes as they are; that is the caller's. Keeps arrays between
 * calls: one instance per thread.
 */
final class LayoutRules {
    private final PlacementProblem problem;
    private final LayoutFlow flow;
    private final int[] coverage;
    private final int[] longest;
    private final boolean onlyCoverage;

    LayoutRules(PlacementProblem problem, LayoutFlow flow) {
        this.problem = problem;
        this.flow = flow;
        this.coverage = new int[problem.layers() + 1];
        this.longest = new int[problem.layers() + 1];
        PlacementConstraints asked = problem.constraints();
        this.onlyCoverage = asked.minReplicas() == 1 && asked.maxHops() == 0 && asked.priceCeilingPerHour() == 0;
    }

    /** Whether nothing is asked that a layout with flow could break. */
    boolean onlyCoverage() {
        return onlyCoverage;
    }

    /** Sum of the shares by which constraints are missed; 0: all hold. */
    double missed(int[] first, int[] end) {
        PlacementConstraints asked = problem.constraints();
        double missed = (double) thinLayers(first, end, asked.minReplicas()) / problem.layers();
        if (asked.maxHops() > 0) {
            missed += (double) Math.max(0, longestPipeline(first, end) - asked.maxHops()) / asked.maxHops();
        }
        if (asked.priceCeilingPerHour() > 0) {
            missed += Math.max(0, price(first, end) / asked.priceCeilingPerHour() - 1 - 1e-9);
        }
        if (missed == 0 && asked.minReplicas() > 1) {
            int disjoint = flow.disjointPipelines(first, end, asked.minReplicas());
            missed += (double) (asked.minReplicas() - disjoint) / asked.minReplicas() / problem.layers();
        }
        return missed;
    }

    /** Layers missing to so many replicas of each. */
    int thinLayers(int[] first, int[] end, int replicas) {
        Arrays.fill(coverage, 0);
        for (int i = 0; i < first.length; i++) {
            if (end[i] > first[i]) {
                coverage[first[i]]++;
                coverage[end[i]]--;
            }
        }
        int thin = 0;
        int held = 0;
        for (int layer = 0; layer < problem.layers(); layer++) {
            held += coverage[layer];
            thin += Math.max(0, replicas - held);
        }
        return thin;
    }

    /** Most stages of any pipeline, links not looked at; 0: there is no pipeline. */
    int longestPipeline(int[] first, int[] end) {
        Arrays.fill(longest, -1);
        longest[0] = 0;
        for (int boundary = 0; boundary < problem.layers(); boundary++) {
            if (longest[boundary] < 0) {
                continue;
            }
            for (int i = 0; i < first.length; i++) {
                boolean begins = boundary == 0 && first[i] == 0 && end[i] > 0;
                if (begins || boundary > 0 && problem.connects(boundary, first[i], end[i]) && end[i] > first[i]) {
                    longest[end[i]] = Math.max(longest[end[i]], longest[boundary] + 1);
                }
            }
        }
        return Math.max(0, longest[problem.layers()]);
    }

    /** Price per hour of the nodes used. */
    double price(int[] first, int[] end) {
        double price = 0;
        for (int i = 0; i < first.length; i++) {
            if (end[i] > first[i]) {
                price += problem.type(i).pricePerHour();
            }
        }
        return price;
    }
}
