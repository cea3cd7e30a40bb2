package io.sluice.clusters;

import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.Node;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Links of a cluster file: default, then regions, matrix and node pairs; what comes later replaces what came before. */
final class LinkReader {
    /** Name of the coordinator among regions and nodes. */
    static final String COORDINATOR_NAME = "coordinator";

    private final Problems problems;
    private final MachineReader units;
    private final List<Node> nodes;
    private final Map<String, Integer> indexOf = new HashMap<>();
    private final Map<String, List<Integer>> regions = new TreeMap<>();
    private final Links.Builder links;

    LinkReader(Problems problems, MachineReader units, List<Node> nodes, String coordinatorRegion) {
        this.problems = problems;
        this.units = units;
        this.nodes = nodes;
        this.links = Links.builder(nodes.size());
        indexOf.put(COORDINATOR_NAME, Links.COORDINATOR);
        regions.put(COORDINATOR_NAME, List.of(Links.COORDINATOR));
        for (int i = 0; i < nodes.size(); i++) {
            indexOf.put(nodes.get(i).id().value(), i);
            regions.computeIfAbsent(nodes.get(i).region(), region -> new ArrayList<>())
                    .add(i);
        }
        if (!coordinatorRegion.isEmpty()) {
            regions.computeIfAbsent(coordinatorRegion, region -> new ArrayList<>())
                    .add(Links.COORDINATOR);
        }
    }

    Links read(FileValue at) {
        if (at.has("default")) {
            FileValue rule = at.get("default");
            double bandwidth = units.rate(rule, "bandwidth", 0);
            double latency = units.duration(rule, "latency", 0);
            for (int from = Links.COORDINATOR; from < nodes.size(); from++) {
                for (int to = Links.COORDINATOR; to < nodes.size(); to++) {
                    if (from != to) {
                        links.set(from, to, bandwidth, latency);
                    }
                }
            }
        }
        if (at.has("regions")) {
            at.get("regions").items().forEach(this::regionPair);
        }
        if (at.has("matrix")) {
            matrix(at.get("matrix"));
        }
        if (at.has("nodes")) {
            at.get("nodes").items().forEach(this::nodePair);
        }
        return links.build();
    }

    private void regionPair(FileValue rule) {
        List<Integer> from = members(rule.get("from"));
        List<Integer> to = members(rule.get("to"));
        double bandwidth = units.rate(rule, "bandwidth", 0);
        double latency = units.duration(rule, "latency", 0);
        boolean oneWay = rule.has("one_way") && rule.get("one_way").isTrue();
        for (int a : from) {
            for (int b : to) {
                if (a != b) {
                    links.set(a, b, bandwidth, latency);
                    if (!oneWay) {
                        links.set(b, a, bandwidth, latency);
                    }
                }
            }
        }
    }

    private List<Integer> members(FileValue region) {
        List<Integer> members = regions.get(region.text());
        if (members == null) {
            problems.add(region, NodeReader.unknown("region", region, List.copyOf(regions.keySet())));
            return List.of();
        }
        return members;
    }

    private void nodePair(FileValue rule) {
        Integer from = node(rule.get("from"));
        Integer to = node(rule.get("to"));
        double bandwidth = units.rate(rule, "bandwidth", 0);
        double latency = units.duration(rule, "latency", 0);
        if (from == null || to == null) {
            return;
        }
        if (from.equals(to)) {
            problems.add(rule.get("to"), "a link from " + rule.get("from") + " to itself; drop it");
            return;
        }
        links.set(from, to, bandwidth, latency);
        if (!rule.has("one_way") || !rule.get("one_way").isTrue()) {
            links.set(to, from, bandwidth, latency);
        }
    }

    private Integer node(FileValue id) {
        Integer index = indexOf.get(id.text());
        if (index == null) {
            problems.add(
                    id,
                    NodeReader.unknown(
                            "node",
                            id,
                            List.copyOf(indexOf.keySet().stream().sorted().toList())));
        }
        return index;
    }

    private void matrix(FileValue at) {
        List<Integer> between = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (FileValue id : at.get("between").items()) {
            Integer index = node(id);
            if (index == null) {
                return;
            }
            if (!seen.add(id.text())) {
                problems.add(id, "node " + id + " is given twice; every row and column is one node");
                return;
            }
            between.add(index);
        }
        FileValue bandwidths = at.get("megabytes_per_second");
        FileValue latencies = at.get("latency_ms");
        if (!square(bandwidths, between.size()) || !square(latencies, between.size())) {
            return;
        }
        for (int a = 0; a < between.size(); a++) {
            for (int b = 0; b < between.size(); b++) {
                if (a != b) {
                    links.set(between.get(a), between.get(b), cell(bandwidths, a, b, 6), cell(latencies, a, b, -3));
                }
            }
        }
    }

    private static double cell(FileValue rows, int row, int column, int power) {
        return new BigDecimal(rows.items().get(row).items().get(column).text())
                .movePointRight(power)
                .doubleValue();
    }

    private boolean square(FileValue rows, int size) {
        if (rows.items().size() != size) {
            problems.add(rows, "has " + rows.items().size() + " rows, but between names " + size + " nodes");
            return false;
        }
        for (FileValue row : rows.items()) {
            if (row.items().size() != size) {
                problems.add(row, "has " + row.items().size() + " columns, but between names " + size + " nodes");
                return false;
            }
        }
        return true;
    }
}
