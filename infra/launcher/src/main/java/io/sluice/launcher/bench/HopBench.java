package io.sluice.launcher.bench;

import io.sluice.core.WorkerId;
import io.sluice.embedded.EmbeddedBroker;
import io.sluice.embedded.RegistryHome;
import io.sluice.embedded.RegistryProcess;
import io.sluice.loadgen.LatencySummary;
import io.sluice.messaging.KafkaSettings;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.worker.HopProbe;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;

/**
 * What one hop costs over Kafka itself: hidden states through a worker's writer, publisher, adapter and reader against a
 * bare produce and consume of as many bytes, with the same client settings, in turn.
 */
final class HopBench implements Bench {
    private static final int WARM_UP = 400;
    private static final int MESSAGES = 400;

    /** Positions and hidden size: a decode step of a small and of a 70B model, 8 sessions of it, and a prefill chunk. */
    private static final int[][] SHAPES = {{1, 576}, {1, 8192}, {8, 8192}, {56, 8192}};

    @Override
    public void run(Setting setting, BenchReport report) throws InterruptedException {
        Path data = setting.data();
        try (EmbeddedBroker broker =
                        EmbeddedBroker.start(new EmbeddedBroker.Config(data.resolve("kafka"), 0, Map.of()));
                RegistryProcess process = RegistryProcess.start(new RegistryProcess.Config(
                        RegistryHome.find(),
                        data.resolve("registry"),
                        data.resolve("logs").resolve("registry.log"),
                        0,
                        Duration.ofMinutes(2)));
                SchemaRegistry registry = new SchemaRegistry(process.url(), Duration.ofSeconds(10))) {
            KafkaSettings settings = new KafkaSettings(broker.bootstrap(), process.url());
            for (int[] shape : SHAPES) {
                measure(setting, report, settings, registry, shape[0], shape[1]);
            }
        }
        report.note(
                "one message in flight; Sluice's side includes fp32 to fp16 and back, Avro, and the checks of a chunk");
    }

    private static void measure(
            Setting setting,
            BenchReport report,
            KafkaSettings settings,
            SchemaRegistry registry,
            int positions,
            int hidden)
            throws InterruptedException {
        String shape = positions + "x" + hidden;
        setting.progress("hop of " + shape + " hidden states");
        WorkerId id = new WorkerId("hop-" + shape + "-" + Long.toString(System.currentTimeMillis(), 36));
        try (HopProbe probe = new HopProbe(settings, registry, id, hidden)) {
            int bytes = probe.recordBytes(positions);
            probe.bareHops(bytes, WARM_UP);
            probe.sluiceHops(positions, WARM_UP);
            long[] bare = {};
            long[] sluice = {};
            for (int round = 0; round < setting.rounds(); round++) {
                bare = concat(bare, probe.bareHops(bytes, MESSAGES));
                sluice = concat(sluice, probe.sluiceHops(positions, MESSAGES));
            }
            String name = "hop." + shape + "." + bytes + "B.";
            report.add(name + "p50", "ms", millis(sluice, 50), millis(bare, 50), "<= 1.3");
            report.add(name + "p99", "ms", millis(sluice, 99), millis(bare, 99), null);
        }
    }

    private static long[] concat(long[] a, long[] b) {
        long[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    private static double millis(long[] nanos, double percent) {
        return LatencySummary.percentile(
                        Arrays.stream(nanos).sorted().asDoubleStream().toArray(), percent)
                / 1e6;
    }
}
