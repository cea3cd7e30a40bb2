package io.sluice.simulator;

import io.sluice.simulator.SimulationResult.LinkUse;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** The links of a running group: one message at a time on each, latency after it, and what they did in the window. */
final class Wires {
    private final Topology topology;
    private final Routing routing;
    private final EventQueue events;
    private final Window window;
    private final LinkPolicy[] queues;
    private final double[] bytesPerSecond;
    private final boolean[] sending;
    /** By vertex + 1: prompts whose next link is still open, in order. */
    private final List<ArrayDeque<Work>> open = new ArrayList<>();

    private final List<Work> message = new ArrayList<>();
    private final double[] busySeconds;
    private final double[] bytes;
    private final double[] waitSeconds;
    private final long[] sent;
    private final long messageBytes;
    private final SimulationPolicy policy;
    private final double[] latencySeconds;
    private final double[] lastDelivery;
    private final double[] lastThere;
    private long outboxNumbers;

    Wires(Topology topology, SimulationPolicy policy, Routing routing, EventQueue events, Window window) {
        this.topology = topology;
        this.messageBytes = policy.messageBytes();
        this.policy = policy;
        this.latencySeconds = new double[topology.links()];
        this.lastDelivery = new double[topology.links()];
        this.lastThere = new double[topology.links()];
        this.routing = routing;
        this.events = events;
        this.window = window;
        int links = topology.links();
        this.queues = new LinkPolicy[links];
        this.bytesPerSecond = new double[links];
        for (int link = 0; link < links; link++) {
            queues[link] = policy.link(topology, link);
            bytesPerSecond[link] = policy.bytesPerSecond(topology, link);
        }
        for (int vertex = -1; vertex < topology.nodes(); vertex++) {
            open.add(new ArrayDeque<>());
        }
        this.sending = new boolean[links];
        this.busySeconds = new double[links];
        this.bytes = new double[links];
        this.waitSeconds = new double[links];
        this.sent = new long[links];
    }

    /** Puts a work item into the outbox of a vertex; {@link #startSending} sends it. */
    void offer(Work work, int vertex, double now) {
        work.queuedSeconds = now;
        work.outboxNumber = outboxNumbers++;
        Request request = work.request();
        if (request.routed() || work.hop < request.links()) {
            queues[request.link(work.hop)].offer(work, now);
        } else {
            open.get(vertex + 1).add(work);
        }
    }

    /** Sends what can be sent out of a vertex. */
    void startSending(int vertex, double now) {
        ArrayDeque<Work> undecided = open.get(vertex + 1);
        for (Iterator<Work> each = undecided.iterator(); each.hasNext(); ) {
            Work work = each.next();
            sendBefore(work.outboxNumber, vertex, now);
            Request request = work.request();
            boolean known = work.hop < request.links(); // an earlier part of this prompt has decided
            int link = known ? request.link(work.hop) : routing.link(work, vertex, now);
            if (link >= 0) {
                if (!known) {
                    append(request, link, vertex);
                }
                each.remove();
                queues[link].offer(work, now);
                send(link, now);
            }
        }
        sendBefore(Long.MAX_VALUE, vertex, now);
    }

    private void append(Request request, int link, int vertex) {
        if (topology.from(link) != vertex) {
            throw new IllegalStateException("link " + link + " does not leave " + topology.name(vertex));
        }
        request.append(link, topology.to(link) < 0);
    }

    private void sendBefore(long outboxNumber, int vertex, double now) {
        for (int link = topology.firstOut(vertex); link < topology.endOut(vertex); link++) {
            if (!sending[link] && queues[link].nextNumber() < outboxNumber) {
                send(link, now);
            }
        }
    }

    private void send(int link, double now) {
        if (sending[link]) {
            return;
        }
        queues[link].next(message, now);
        if (message.isEmpty()) {
            return;
        }
        long size = messageBytes;
        for (Work work : message) {
            size += work.tokens() * topology.bytesPerToken(link);
        }
        double seconds = size / bytesPerSecond[link];
        // A small message does not overtake a large one before it.
        double there = now + seconds + topology.latencySeconds(link) + policy.messageSeconds(size);
        lastThere[link] = Math.max(there, lastThere[link]);
        latencySeconds[link] = lastThere[link] - (now + seconds);
        for (Work work : message) {
            double waited = now - work.queuedSeconds;
            work.sentSeconds = now;
            work.delays.linkWait += waited;
            work.delays.transfer += seconds;
            work.delays.latency += latencySeconds[link];
            if (window.contains(now)) {
                waitSeconds[link] += waited;
                sent[link]++;
            }
        }
        if (window.contains(now)) {
            bytes[link] += size;
        }
        busySeconds[link] += window.overlap(now, now + seconds);
        sending[link] = true;
        Object load = message.size() == 1 ? message.getFirst() : message.toArray(new Work[0]);
        message.clear();
        events.add(now + seconds, Engine.SENT, link, load);
    }

    /** The link is free again. */
    void sent(int link, double now) {
        sending[link] = false;
        int vertex = topology.from(link);
        if (open.get(vertex + 1).isEmpty()) {
            send(link, now);
        } else {
            startSending(vertex, now);
        }
    }

    /** From the end of sending until the message now on the link is there, seconds. */
    double latencySeconds(int link) {
        return latencySeconds[link];
    }

    boolean idle(int link) {
        return !sending[link];
    }

    int waiting(int link) {
        return queues[link].waiting();
    }

    List<LinkUse> use(String group) {
        List<LinkUse> use = new ArrayList<>();
        for (int link = 0; link < topology.links(); link++) {
            use.add(new LinkUse(
                    group,
                    topology.name(topology.from(link)),
                    topology.name(topology.to(link)),
                    busySeconds[link] / window.seconds(),
                    bytes[link] / window.seconds(),
                    waitSeconds[link] / Math.max(1, sent[link])));
        }
        return use;
    }
}
