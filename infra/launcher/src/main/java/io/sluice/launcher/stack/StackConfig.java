package io.sluice.launcher.stack;

import io.sluice.core.planning.live.PlacementPolicy;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.embedded.WanShape;
import io.sluice.launcher.UserException;
import io.sluice.planner.SharingPolicy;
import io.sluice.runtime.ActivationChoice;
import io.sluice.worker.sharing.SharingSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What an embedded stack serves, on which workers and where. Immutable.
 *
 * @param model folder of a Hugging Face model, or a {@code .gguf} file
 * @param modelName name it is served under
 * @param workers at least one
 * @param stages pipeline stages when the workers do not name their layers; 0: one per worker
 * @param policy how the router splits sessions
 * @param activations element type of hidden states between stages, or how it is chosen
 * @param data folder of everything the stack keeps
 * @param ports ports of the parts
 * @param placement how placements follow the workers while the stack runs; empty: they stay as they are
 * @param supervision what happens when a worker process ends by itself
 * @param isolation what has a process or a connection of its own
 * @param wan the network between the sites of the workers, each of which then has one of its own; empty: all on one machine
 * @param sharing whether workers take best-effort work, and what it may cost
 * @param limits how the planner limits it; empty: it publishes no limits, so workers run none
 */
public record StackConfig(
        Path model,
        String modelName,
        List<WorkerSpec> workers,
        int stages,
        RoutingPolicy policy,
        ActivationChoice activations,
        Path data,
        Ports ports,
        Optional<PlacementPolicy> placement,
        Supervision supervision,
        Isolation isolation,
        Optional<WanShape> wan,
        SharingSettings sharing,
        Optional<SharingPolicy> limits) {
    /** A stack whose placement stays as it is; workers that end are started again. */
    public StackConfig(
            Path model,
            String modelName,
            List<WorkerSpec> workers,
            int stages,
            RoutingPolicy policy,
            ActivationChoice activations,
            Path data,
            Ports ports) {
        this(
                model,
                modelName,
                workers,
                stages,
                policy,
                activations,
                data,
                ports,
                Optional.empty(),
                Supervision.RESTART,
                Isolation.SHARED,
                Optional.empty(),
                SharingSettings.DEFAULT,
                Optional.of(SharingPolicy.DEFAULT));
    }

    public StackConfig {
        Objects.requireNonNull(modelName, "modelName");
        Objects.requireNonNull(policy, "policy");
        Objects.requireNonNull(activations, "activations");
        Objects.requireNonNull(data, "data");
        Objects.requireNonNull(ports, "ports");
        Objects.requireNonNull(placement, "placement");
        Objects.requireNonNull(supervision, "supervision");
        Objects.requireNonNull(isolation, "isolation");
        Objects.requireNonNull(wan, "wan");
        Objects.requireNonNull(sharing, "sharing");
        Objects.requireNonNull(limits, "limits");
        workers = List.copyOf(workers);
        if (!Files.exists(model)) {
            throw new UserException(
                    "model " + model + " does not exist: give --model a Hugging Face folder or a .gguf file");
        }
        if (workers.isEmpty()) {
            throw new UserException("no workers are given: a stack needs at least one");
        }
        if (stages < 0) {
            throw new UserException("--stages " + stages + " must be at least 1");
        }
    }

    /** The same stack with placements that follow the workers. */
    public StackConfig withPlacement(PlacementPolicy live) {
        return changed(draft -> draft.placement = Optional.of(live));
    }

    /** The same stack with other limits of best-effort work; empty: none are published. */
    public StackConfig withLimits(Optional<SharingPolicy> value) {
        return changed(draft -> draft.limits = value);
    }

    /** The same stack with another answer to workers that end. */
    public StackConfig withSupervision(Supervision value) {
        return changed(draft -> draft.supervision = value);
    }

    /** The same stack with other processes. */
    public StackConfig withIsolation(Isolation value) {
        return changed(draft -> draft.isolation = value);
    }

    /** The same stack with every worker at a site of its own, across this network. */
    public StackConfig withWan(WanShape shape) {
        return changed(draft -> draft.wan = Optional.of(shape));
    }

    /** The same stack whose workers share their devices in another way. */
    public StackConfig withSharing(SharingSettings value) {
        return changed(draft -> draft.sharing = value);
    }

    /** The same stack with other numbers between stages. */
    public StackConfig withActivations(ActivationChoice value) {
        return changed(draft -> draft.activations = value);
    }

    private StackConfig changed(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.done();
    }

    /** What may be changed of a configuration; the rest stays. */
    private static final class Draft {
        private final StackConfig rest;
        private ActivationChoice activations;
        private Optional<PlacementPolicy> placement;
        private Supervision supervision;
        private Isolation isolation;
        private Optional<WanShape> wan;
        private SharingSettings sharing;
        private Optional<SharingPolicy> limits;

        private Draft(StackConfig from) {
            rest = from;
            activations = from.activations;
            placement = from.placement;
            supervision = from.supervision;
            isolation = from.isolation;
            wan = from.wan;
            sharing = from.sharing;
            limits = from.limits;
        }

        private StackConfig done() {
            return new StackConfig(
                    rest.model,
                    rest.modelName,
                    rest.workers,
                    rest.stages,
                    rest.policy,
                    activations,
                    rest.data,
                    rest.ports,
                    placement,
                    supervision,
                    isolation,
                    wan,
                    sharing,
                    limits);
        }
    }

    /** Whether each worker reaches the broker through a relay. */
    public boolean relayed() {
        return isolation.relays() || wan.isPresent();
    }

    /**
     * What the stack does when a worker process ends by itself. It always reports the end, so that the router need not
     * wait for a lease.
     *
     * @param restart whether the worker is started again, under its name, as a new incarnation
     * @param mostPerMinute most restarts of one worker within a minute; then it stays away
     */
    public record Supervision(boolean restart, int mostPerMinute) {
        /** Starts it again, at most six times a minute. */
        public static final Supervision RESTART = new Supervision(true, 6);
        /** Leaves it. */
        public static final Supervision LEAVE = new Supervision(false, 0);

        public Supervision {
            if (mostPerMinute < 0) {
                throw new IllegalArgumentException("restarts per minute " + mostPerMinute + " must be at least 0");
            }
        }
    }

    /**
     * What stands apart from the stack's own process, so that it can fail alone.
     *
     * @param processes whether broker, router and batch service have processes of their own
     * @param relays whether each worker reaches the broker through a relay of its own, which can be cut
     */
    public record Isolation(boolean processes, boolean relays) {
        /** Broker, router and batch service in the stack's JVM, workers connect directly. */
        public static final Isolation SHARED = new Isolation(false, false);
        /** Everything that can fail alone does; for tests of faults. */
        public static final Isolation FULL = new Isolation(true, true);
    }

    /** Ports on loopback; 0: any free one. Flink always takes free ones. */
    public record Ports(int broker, int registry, int metrics) {
        /** Free ports for everything. */
        public static final Ports FREE = new Ports(0, 0, 0);
    }

    /** Name a model is served under when the user gives none: that of its folder or file, without its suffix. */
    public static String defaultName(Path model) {
        String name = model.toAbsolutePath().normalize().getFileName().toString();
        return name.endsWith(".gguf") ? name.substring(0, name.length() - ".gguf".length()) : name;
    }
}
