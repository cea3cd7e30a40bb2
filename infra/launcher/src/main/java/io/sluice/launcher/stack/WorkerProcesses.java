package io.sluice.launcher.stack;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.embedded.ChildProcess;
import io.sluice.launcher.Main;
import io.sluice.launcher.SharingOptions;
import io.sluice.messaging.KafkaSettings;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The worker processes of a stack, each the {@code sluice worker} command in a JVM of its own. Thread-safe. */
final class WorkerProcesses implements AutoCloseable {
    /** One arena, and large blocks given back: a sixth less memory once the weights are loaded. */
    private static final Map<String, String> ALLOCATOR =
            Map.of("MALLOC_ARENA_MAX", "1", "MALLOC_MMAP_THRESHOLD_", "1048576");

    private final Map<WorkerId, ChildProcess> children = new LinkedHashMap<>();
    private final Map<WorkerId, ChildProcess.Spec> specs = new LinkedHashMap<>();
    private boolean closed;

    /** Starts all workers of the plan; they are not ready yet. */
    synchronized void startAll(
            StackConfig config, PlacementPlan plan, Function<WorkerId, KafkaSettings> settings, Path logs) {
        for (WorkerSpec worker : config.workers()) {
            // A plan may leave a worker out: it is a spare where placements change, else it has nothing to hold.
            boolean follows = config.placement().isPresent();
            Optional<LayerRange> pinned =
                    follows ? Optional.empty() : plan.stageOf(worker.id()).map(Stage::layers);
            if (follows || pinned.isPresent()) {
                start(config, worker, pinned, settings.apply(worker.id()), logs);
            }
        }
    }

    /** @param pinned layers it holds whatever placements say; empty: it serves what they say, and is a spare until then */
    synchronized ChildProcess start(
            StackConfig config, WorkerSpec worker, Optional<LayerRange> pinned, KafkaSettings settings, Path logs) {
        ChildProcess.Spec spec = new ChildProcess.Spec(
                "worker " + worker.id(),
                jvmArgs(),
                System.getProperty("java.class.path"),
                Main.class.getName(),
                arguments(config, worker, pinned, settings),
                ALLOCATOR,
                logs.resolve("worker-" + worker.id() + ".log"));
        ChildProcess child = ChildProcess.start(spec);
        children.put(worker.id(), child);
        specs.put(worker.id(), spec);
        return child;
    }

    /**
     * Starts a worker that has ended once more, under its name.
     *
     * @param ended the process that has ended
     * @return the new process; empty when that process is not the worker's any more, or all are being stopped
     */
    synchronized Optional<ChildProcess> restart(WorkerId id, ChildProcess ended) {
        if (closed || children.get(id) != ended) {
            return Optional.empty();
        }
        ChildProcess child = ChildProcess.start(specs.get(id).again());
        children.put(id, child);
        return Optional.of(child);
    }

    /** Forgets a worker that is about to go; null when there is none of that name. */
    synchronized ChildProcess remove(WorkerId id) {
        return children.remove(id);
    }

    /** Weights and KV cache are outside the heap. */
    private static List<String> jvmArgs() {
        List<String> arguments = new ArrayList<>(List.of(
                "-Xms16m",
                "-Xmx256m",
                "-Xss512k",
                // Bounded by --kv-mib and the weights of the layers held, not by the heap.
                "-XX:MaxDirectMemorySize=64g",
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                "--enable-native-access=ALL-UNNAMED",
                "-Dorg.apache.avro.SERIALIZABLE_PACKAGES=io.sluice.records,java.lang",
                "-Dlogback.configurationFile=logback-child.xml"));
        // The class path is the same, so the archive of class data that this JVM reads serves the workers, too.
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("-XX:SharedArchiveFile=") || argument.startsWith("-Xlog:cds"))
                .forEach(arguments::add);
        return arguments;
    }

    static List<String> arguments(
            StackConfig config, WorkerSpec worker, Optional<LayerRange> pinned, KafkaSettings settings) {
        List<String> arguments = new ArrayList<>(List.of(
                "worker",
                "--id",
                worker.id().value(),
                "--bootstrap",
                settings.bootstrap(),
                "--registry",
                settings.registryUrl(),
                "--model",
                config.model().toString(),
                "--model-name",
                config.modelName(),
                "--device",
                worker.device().toString(),
                "--activations",
                config.activations().toString(),
                "--region",
                worker.region()));
        if (pinned.isEmpty()) {
            worker.maxLayers().ifPresent(most -> arguments.addAll(List.of("--max-layers", Integer.toString(most))));
        }
        pinned.ifPresent(layers -> arguments.addAll(List.of("--layers", layers.first() + "-" + layers.end())));
        config.wan()
                .filter(wan -> wan.bitsPerSecond() > 0)
                .ifPresent(wan -> arguments.addAll(
                        List.of("--link-bytes-per-s", Long.toString(Math.round(wan.bytesPerSecond())))));
        worker.kvMib().ifPresent(mib -> arguments.addAll(List.of("--kv-mib", Integer.toString(mib))));
        arguments.addAll(SharingOptions.arguments(config.sharing()));
        return arguments;
    }

    /** The process of a worker; null when the stack has none of that name. */
    synchronized ChildProcess process(WorkerId id) {
        return children.get(id);
    }

    synchronized Map<WorkerId, ChildProcess> all() {
        return new LinkedHashMap<>(children);
    }

    /** Stops all workers, side by side. */
    @Override
    public void close() {
        List<ChildProcess> all;
        synchronized (this) {
            closed = true;
            all = List.copyOf(children.values());
        }
        all.forEach(ChildProcess::requestStop);
        all.forEach(ChildProcess::close);
    }
}
