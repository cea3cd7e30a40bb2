package io.sluice.simulator;

import io.sluice.simulator.SimulationResult.NodeUse;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The nodes of a running group: one batch at a time on each, KV cache, and what they did in the window. */
final class Machines {
    private final Topology topology;
    private final EventQueue events;
    private final Window window;
    private final NodePolicy[] policies;
    private final Batch[] batches;
    private final double[] batchSeconds;
    private final boolean[] running;
    private final boolean[] startPending;
    private final int[] pending;
    private int pendingCount;
    private final long[] kvUsed;
    private final Window.Level[] kvLevel;
    private final double[] busySeconds;
    private final long[] tokens;
    private final double[] residence;
    private final long[] decodes;
    private long kvOverflows;

    Machines(Topology topology, SimulationPolicy policy, EventQueue events, Window window) {
        this.topology = topology;
        this.events = events;
        this.window = window;
        int nodes = topology.nodes();
        this.policies = new NodePolicy[nodes];
        this.batches = new Batch[nodes];
        this.kvLevel = new Window.Level[nodes];
        for (int node = 0; node < nodes; node++) {
            policies[node] = topology.layout().holds(node) ? policy.node(topology, node) : null;
            batches[node] = new Batch();
            kvLevel[node] = window.new Level();
        }
        this.batchSeconds = new double[nodes];
        this.running = new boolean[nodes];
        this.startPending = new boolean[nodes];
        this.pending = new int[nodes];
        this.kvUsed = new long[nodes];
        this.busySeconds = new double[nodes];
        this.tokens = new long[nodes];
        this.residence = new double[nodes];
        this.decodes = new long[nodes];
    }

    /** A work item has come in over a link. */
    void deliver(Work work, int node, double now) {
        work.arrivedSeconds = now;
        work.computeHereSeconds = 0;
        policies[node].offer(work, now);
        wake(node);
    }

    /** Lets the node start a batch at this very moment, but after everything else that arrives at it. */
    private void wake(int node) {
        if (!running[node] && !startPending[node]) {
            startPending[node] = true;
            pending[pendingCount++] = node;
        }
    }

    /** Starts the batches of this moment; to be called when nothing else happens at it any more. */
    void startBatches(double now) {
        for (int i = 0; i < pendingCount; i++) {
            startPending[pending[i]] = false;
            startBatch(pending[i], now);
        }
        pendingCount = 0;
    }

    private void startBatch(int node, double now) {
        Batch batch = batches[node];
        double seconds = policies[node].next(batch, now);
        if (batch.size() == 0) {
            return;
        }
        if (!(seconds >= 0) || Double.isInfinite(seconds)) {
            throw new IllegalStateException("node " + topology.name(node) + ": a batch of " + seconds + " s");
        }
        running[node] = true;
        batchSeconds[node] = seconds;
        busySeconds[node] += window.overlap(now, now + seconds);
        events.add(now + seconds, Engine.BATCH_DONE, node, null);
    }

    /** Ends the batch; work items that leave the node go to {@code leaving}. */
    void finishBatch(int node, double now, Consumer<Work> leaving) {
        Batch batch = batches[node];
        long added = 0;
        for (int i = 0; i < batch.size(); i++) {
            Work work = batch.work(i);
            work.computeHereSeconds += batchSeconds[node];
            added += (long) work.tokens() * batch.layers(i);
        }
        changeKv(node, added, now);
        running[node] = false;
        policies[node].finish(batch, now, leaving);
        batch.clear();
        wake(node);
    }

    /** Accounts for a work item that leaves. */
    void left(Work work, int node, double now) {
        double here = now - work.arrivedSeconds;
        work.delays.compute += work.computeHereSeconds;
        work.delays.nodeWait += here - work.computeHereSeconds;
        work.delays.hops++;
        work.layer = topology.layout().end(node);
        if (window.contains(now)) {
            tokens[node] += work.tokens();
            if (!work.prompt()) {
                decodes[node]++;
                residence[node] += here;
            }
        }
    }

    /** Frees the KV cache of a request on all nodes of its route. */
    void free(Request request, double now) {
        int entry = 0;
        for (int hop = 0; hop < request.links() - 1; hop++) {
            int node = topology.to(request.link(hop));
            int end = topology.layout().end(node);
            changeKv(node, -(long) (end - entry) * (request.promptTokens() + request.outputTokens()), now);
            entry = end;
        }
    }

    private void changeKv(int node, long tokenLayers, double now) {
        long capacity = topology.kvTokenLayers(node);
        boolean fitted = kvUsed[node] <= capacity;
        kvUsed[node] += tokenLayers;
        if (kvUsed[node] < 0) {
            throw new IllegalStateException("node " + topology.name(node) + ": KV cache of " + kvUsed[node]);
        }
        if (fitted && kvUsed[node] > capacity) {
            kvOverflows++;
        }
        kvLevel[node].set(now, (double) kvUsed[node] / capacity);
    }

    long kvUsed(int node) {
        return kvUsed[node];
    }

    long kvOverflows() {
        return kvOverflows;
    }

    int waiting(int node) {
        return policies[node] == null ? 0 : policies[node].waiting();
    }

    List<NodeUse> use(String group) {
        List<NodeUse> use = new ArrayList<>();
        for (int node = 0; node < topology.nodes(); node++) {
            if (topology.layout().holds(node)) {
                use.add(new NodeUse(
                        group,
                        topology.name(node),
                        topology.problem().cluster().nodes().get(node).type(),
                        topology.layout().first(node),
                        topology.layout().end(node),
                        busySeconds[node] / window.seconds(),
                        tokens[node] / window.seconds(),
                        residence[node] / Math.max(1, decodes[node]),
                        kvLevel[node].mean(),
                        kvLevel[node].peak()));
            }
        }
        return use;
    }
}
