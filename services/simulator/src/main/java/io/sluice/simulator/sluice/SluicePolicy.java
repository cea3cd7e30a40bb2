package io.sluice.simulator.sluice;

import io.sluice.core.SessionId;
import io.sluice.simulator.ClusterState;
import io.sluice.simulator.LinkPolicy;
import io.sluice.simulator.Load;
import io.sluice.simulator.NodePolicy;
import io.sluice.simulator.Request;
import io.sluice.simulator.Routing;
import io.sluice.simulator.SimulationPolicy;
import io.sluice.simulator.Topology;
import java.util.Objects;
import java.util.random.RandomGenerator;

/** Sluice's serving policy: the core classes of live routers and workers on virtual time. Immutable. */
public final class SluicePolicy implements SimulationPolicy {
    private final SluiceSettings settings;

    public SluicePolicy() {
        this(SluiceSettings.DEFAULT);
    }

    public SluicePolicy(SluiceSettings settings) {
        this.settings = Objects.requireNonNull(settings, "settings");
    }

    @Override
    public String name() {
        return "sluice";
    }

    @Override
    public String description() {
        return "Sluice: prompts in chunks, decode steps between them at nodes and on links, routes by what is in flight";
    }

    @Override
    public Load offlineLoad() {
        return new Load.Backlog();
    }

    @Override
    public Routing routing(Topology topology, ClusterState state, boolean online, RandomGenerator random) {
        return new SluiceRouting(topology, settings);
    }

    @Override
    public NodePolicy node(Topology topology, int node) {
        return new SluiceNode(topology, node, settings);
    }

    @Override
    public LinkPolicy link(Topology topology, int link) {
        return new SluiceLink(topology, link, settings);
    }

    @Override
    public long messageBytes() {
        return settings.recordBytes();
    }

    @Override
    public double messageSeconds(long bytes) {
        return settings.recordSeconds(bytes);
    }

    public SluiceSettings settings() {
        return settings;
    }

    static SessionId session(Request request) {
        return new SessionId("r" + request.number());
    }

    /** Grows with arrival and with length, so that a prompt is overtaken by a bounded number of later ones. */
    static double rank(Request request, SluiceSettings settings) {
        return request.number() + settings.overtakingPerToken() * request.promptTokens();
    }
}
