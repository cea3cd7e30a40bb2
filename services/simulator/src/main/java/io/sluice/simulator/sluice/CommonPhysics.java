package io.sluice.simulator.sluice;

import io.sluice.core.cluster.LayerProfile;
import io.sluice.simulator.Batch;
import io.sluice.simulator.ClusterState;
import io.sluice.simulator.LinkPolicy;
import io.sluice.simulator.Load;
import io.sluice.simulator.NodePolicy;
import io.sluice.simulator.Routing;
import io.sluice.simulator.SimulationPolicy;
import io.sluice.simulator.Topology;
import io.sluice.simulator.Work;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * Another policy under the costs that Sluice's own is charged with: the prompts of a batch never cost a layer less than one
 * pass over its weights, and every message is a record with headers and a time in the broker. The policy decides as ever.
 * Immutable.
 */
public final class CommonPhysics implements SimulationPolicy {
    private final SimulationPolicy policy;
    private final SluiceSettings settings;

    /** @param policy one whose nodes run a layer per batch, such as Helix's */
    public CommonPhysics(SimulationPolicy policy) {
        this.policy = Objects.requireNonNull(policy, "policy");
        this.settings = SluiceSettings.DEFAULT;
    }

    @Override
    public String name() {
        return policy.name() + "-floors";
    }

    @Override
    public String description() {
        return policy.name() + " with what sluice is charged: a pass over the weights per batch, overhead per record";
    }

    @Override
    public Load offlineLoad() {
        return policy.offlineLoad();
    }

    @Override
    public Routing routing(Topology topology, ClusterState state, boolean online, RandomGenerator random) {
        return policy.routing(topology, state, online, random);
    }

    @Override
    public NodePolicy node(Topology topology, int node) {
        return new Floored(policy.node(topology, node), topology.layerProfile(node));
    }

    @Override
    public LinkPolicy link(Topology topology, int link) {
        return policy.link(topology, link);
    }

    @Override
    public double bytesPerSecond(Topology topology, int link) {
        return policy.bytesPerSecond(topology, link);
    }

    @Override
    public long messageBytes() {
        return settings.recordBytes();
    }

    @Override
    public double messageSeconds(long bytes) {
        return settings.recordSeconds(bytes);
    }

    private record Floored(NodePolicy node, LayerProfile profile) implements NodePolicy {
        @Override
        public void offer(Work work, double nowSeconds) {
            node.offer(work, nowSeconds);
        }

        @Override
        public double next(Batch batch, double nowSeconds) {
            double seconds = node.next(batch, nowSeconds);
            int promptTokens = 0;
            int layers = 0;
            for (int i = 0; i < batch.size(); i++) {
                if (batch.work(i).prompt()) {
                    promptTokens += batch.work(i).tokens();
                    layers = Math.max(layers, batch.layers(i));
                }
            }
            double missing = promptTokens == 0
                    ? 0
                    : Math.max(
                            0, StageTime.passSeconds(profile) - profile.prompt().at(promptTokens));
            return seconds + layers * missing;
        }

        @Override
        public void finish(Batch batch, double nowSeconds, Consumer<Work> leaving) {
            node.finish(batch, nowSeconds, leaving);
        }

        @Override
        public int waiting() {
            return node.waiting();
        }
    }
}
