package io.sluice.core.placement;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.cluster.ModelSpec;
import io.sluice.core.cluster.Node;
import io.sluice.core.cluster.Workload;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntPredicate;

/**
 * One model to be placed on one cluster, with everything a method asks often as an array access. Nodes are numbered as
 * in the cluster; {@link Links#COORDINATOR} stands for source and sink. Capacities are those of Helix (ASPLOS'25,
 * section 4): a node carries {@code min(T(k), NIC / (token + activation))} tokens/s when it holds k layers, a link its
 * bandwidth by the bytes of a token id (coordinator) or of token id and activation. Immutable and thread-safe.
 */
public final class PlacementProblem {
    private final Cluster cluster;
    private final ModelProfile profile;
    private final Workload workload;
    private final PlacementConstraints constraints;
    private final LayerProfile[] profiles;
    private final MachineType[] types;
    private final LayerRange[] pinned;
    private final double[][] capacity;

    public PlacementProblem(
            Cluster cluster, ModelProfile profile, Workload workload, PlacementConstraints constraints) {
        this.cluster = Objects.requireNonNull(cluster, "cluster");
        this.profile = Objects.requireNonNull(profile, "profile");
        this.workload = Objects.requireNonNull(workload, "workload");
        this.constraints = Objects.requireNonNull(constraints, "constraints");
        int nodes = cluster.nodes().size();
        this.profiles = new LayerProfile[nodes];
        this.types = new MachineType[nodes];
        this.pinned = new LayerRange[nodes];
        this.capacity = new double[nodes][];
        var known = cluster.indexById();
        for (var id : constraints.pinned().keySet()) {
            if (!known.containsKey(id)) {
                throw new IllegalArgumentException("pinned node " + id + " is not in cluster " + cluster.name());
            }
        }
        for (var id : constraints.emptyNodes()) {
            if (!known.containsKey(id)) {
                throw new IllegalArgumentException(
                        "node " + id + ", to be left empty, is not in cluster " + cluster.name());
            }
        }
        double unit =
                profile.model().activationBytesPerToken() + profile.model().tokenBytes();
        for (int i = 0; i < nodes; i++) {
            Node node = cluster.nodes().get(i);
            types[i] = cluster.typeOf(i);
            profiles[i] = usable(node) ? profile.byType().get(node.type()) : null;
            pinned[i] = constraints.pinned().get(node.id());
            double nic = Math.min(types[i].nicInBytesPerSecond(), types[i].nicOutBytesPerSecond()) / unit;
            int most = profiles[i] == null
                    ? 0
                    : Math.min(profiles[i].maxLayers(), profile.model().layerCount());
            capacity[i] = new double[most + 1];
            for (int k = 1; k <= most; k++) {
                capacity[i][k] = Math.min(profiles[i].holding(k).tokensPerSecond(), nic);
            }
            if (pinned[i] != null && pinned[i].end() > profile.model().layerCount()) {
                throw new IllegalArgumentException("node " + node.id() + " is pinned to " + pinned[i] + ", but "
                        + profile.model().name() + " has " + profile.model().layerCount() + " layers");
            }
        }
    }

    private boolean usable(Node node) {
        return !constraints.emptyNodes().contains(node.id())
                && (constraints.allowedRegions().isEmpty()
                        || constraints.allowedRegions().contains(node.region()));
    }

    public Cluster cluster() {
        return cluster;
    }

    public ModelProfile profile() {
        return profile;
    }

    public ModelSpec model() {
        return profile.model();
    }

    public Workload workload() {
        return workload;
    }

    public PlacementConstraints constraints() {
        return constraints;
    }

    /** The same model on the same cluster with other constraints. */
    public PlacementProblem withConstraints(PlacementConstraints other) {
        return new PlacementProblem(cluster, profile, workload, other);
    }

    /** The same with these nodes left empty beside those that are anyway. */
    public PlacementProblem leavingEmpty(IntPredicate node) {
        Set<WorkerId> empty = new TreeSet<>(constraints.emptyNodes());
        for (int i = 0; i < nodes(); i++) {
            if (node.test(i)) {
                empty.add(cluster.nodes().get(i).id());
            }
        }
        return withConstraints(constraints.withEmptyNodes(empty));
    }

    /** Number of nodes. */
    public int nodes() {
        return profiles.length;
    }

    /** Number of layers of the model. */
    public int layers() {
        return profile.model().layerCount();
    }

    /** Most layers the node can hold; 0: it must stay empty. */
    public int maxLayers(int node) {
        return capacity[node].length - 1;
    }

    public MachineType type(int node) {
        return types[node];
    }

    /**
     * How the node runs layers.
     *
     * @throws IllegalArgumentException when it must stay empty
     */
    public LayerProfile layerProfile(int node) {
        if (profiles[node] == null) {
            throw new IllegalArgumentException(
                    "node " + cluster.nodes().get(node).id() + " holds no layers of " + model().name());
        }
        return profiles[node];
    }

    /** The range the node must hold; null: the method chooses. */
    public LayerRange pinned(int node) {
        return pinned[node];
    }

    /** Tokens/s of the node with so many layers; beyond {@link #maxLayers} the last value by layers. */
    public double capacity(int node, int layers) {
        double[] byLayers = capacity[node];
        int most = byLayers.length - 1;
        if (layers == 0 || most == 0) {
            return 0;
        }
        return layers <= most ? byLayers[layers] : byLayers[most] * most / layers;
    }

    /** KV cache of the node with so many layers, tokens in every layer. */
    public long kvTokensPerLayer(int node, int layers) {
        if (layers == 0 || maxLayers(node) == 0) {
            return 0;
        }
        long kv = profiles[node].holding(layers).kvTokensPerLayer();
        return layers <= maxLayers(node) ? kv : kv * maxLayers(node) / layers;
    }

    /** Tokens/s of a link; 0: there is none. */
    public double linkCapacity(int from, int to) {
        double bytes = cluster.links().bytesPerSecond(from, to);
        boolean coordinator = from == Links.COORDINATOR || to == Links.COORDINATOR;
        return bytes / (coordinator ? model().tokenBytes() : model().tokenBytes() + model().activationBytesPerToken());
    }

    /** Whether a pipeline can go from a node whose range ends at {@code end} on to a node that holds [first, last). */
    public boolean connects(int end, int first, int last) {
        return constraints.partialInference() ? first <= end && end < last : first == end;
    }
}
