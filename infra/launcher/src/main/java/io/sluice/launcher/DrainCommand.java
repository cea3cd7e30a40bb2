package io.sluice.launcher;

import io.sluice.core.WorkerId;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicAdmin;
import io.sluice.messaging.TopicTail;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.Heartbeat;
import io.sluice.records.WorkerOrder;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Asks a worker to hand its sessions over and to leave, or calls that off. */
@Command(
        name = "drain",
        description = "Takes a worker out of service: it gets no new session, its sessions end or move, and its process"
                + " ends with status 0 when none is left or at the deadline.",
        mixinStandardHelpOptions = true)
final class DrainCommand implements Callable<Integer> {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final Duration SILENCE = Duration.ofSeconds(10);
    private static final Duration POLL = Duration.ofMillis(50);

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "WORKER", description = "Id of the worker.")
    private String worker;

    @Option(
            names = "--deadline",
            paramLabel = "TIME",
            defaultValue = "30s",
            converter = DurationConverter.class,
            description = "Leave after this long whatever is left; 0s: only when no session is left. Default:"
                    + " ${DEFAULT-VALUE}.")
    private Duration deadline;

    @Option(names = "--undo", description = "Call a drain off that has not ended; not one that a signal began.")
    private boolean undo;

    @Option(names = "--wait", description = "Show the sessions left, and end when the worker has left.")
    private boolean wait;

    @Mixin
    private StackTarget target;

    @Option(names = "--json", paramLabel = "FILE", description = "Write what happened to FILE as JSON, too.")
    private Path json;

    @Override
    public Integer call() {
        String id = new WorkerId(worker).value();
        KafkaSettings settings = target.settings();
        try (TopicAdmin topics = new TopicAdmin(settings, TIMEOUT)) {
            topics.ensure(List.of(Topics.WORKERS, Topics.WORKER_COMMANDS, Topics.HEARTBEATS, Topics.GPU_TELEMETRY));
        }
        try (SchemaRegistry registry = new SchemaRegistry(settings.registryUrl(), TIMEOUT)) {
            WorkerStatus status = known(settings, registry, id);
            if (undo && status.getState() != WorkerState.DRAINING) {
                throw new UserException("worker " + id + " does not drain: there is nothing to undo");
            }
            try (TopicTail<Heartbeat> beats = tail(settings, registry);
                    TopicTail<GpuTelemetry> telemetry = TopicTail.fromEnd(
                            settings, registry, Topics.GPU_TELEMETRY, IsolationLevel.READ_UNCOMMITTED)) {
                publish(settings, registry, status);
                return wait ? follow(status, beats, telemetry) : asked(status);
            }
        }
    }

    private static TopicTail<Heartbeat> tail(KafkaSettings settings, SchemaRegistry registry) {
        return TopicTail.fromEnd(settings, registry, Topics.HEARTBEATS, IsolationLevel.READ_UNCOMMITTED);
    }

    /** The newest status of the worker. */
    private static WorkerStatus known(KafkaSettings settings, SchemaRegistry registry, String id) {
        Map<String, WorkerStatus> newest = new TreeMap<>();
        try (TopicTail<WorkerStatus> statuses =
                TopicTail.fromBeginning(settings, registry, Topics.WORKERS, IsolationLevel.READ_COMMITTED)) {
            while (!statuses.atEnd()) {
                for (Tailed<WorkerStatus> status : statuses.poll(POLL)) {
                    if (status.value() != null) {
                        newest.merge(
                                status.key(),
                                status.value(),
                                (old, now) -> now.getIncarnation() < old.getIncarnation() ? old : now);
                    }
                }
            }
        }
        WorkerStatus found = newest.get(id);
        if (found != null && found.getState() != WorkerState.LEFT) {
            return found;
        }
        String others = newest.values().stream()
                .filter(status -> status.getState() != WorkerState.LEFT)
                .map(WorkerStatus::getWorker)
                .collect(Collectors.joining(", "));
        throw new UserException(
                (found == null ? "worker " + id + " is not known" : "worker " + id + " has left already") + "; "
                        + (others.isEmpty() ? "no worker has joined" : "workers that have joined: " + others));
    }

    private void publish(KafkaSettings settings, SchemaRegistry registry, WorkerStatus status) {
        long now = System.currentTimeMillis();
        var command = new io.sluice.records.WorkerCommand(
                status.getWorker(),
                status.getIncarnation(),
                undo ? WorkerOrder.SERVE : WorkerOrder.DRAIN,
                undo || deadline.isZero() ? 0 : now + deadline.toMillis(),
                "sluice drain",
                now);
        var topic = Topics.WORKER_COMMANDS;
        byte[] value = new AvroSerializer<>(registry, topic).serialize(topic.name(), command);
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                KafkaClients.durableProducer(settings, "sluice-drain"),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>(
                            topic.name(), status.getWorker().getBytes(StandardCharsets.UTF_8), value))
                    .get();
        } catch (ExecutionException e) {
            throw new UserException(
                    "the command could not be written: " + e.getCause().getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserException("interrupted before the command was written", e);
        }
    }

    private int asked(WorkerStatus status) {
        String sentence = undo
                ? "worker " + status.getWorker() + " is asked to serve on"
                : "worker " + status.getWorker() + " is asked to drain and to leave "
                        + (deadline.isZero() ? "when no session is left" : "within " + seconds(deadline))
                        + "; --wait shows how it goes";
        report(status, "asked", sentence);
        return 0;
    }

    private int follow(WorkerStatus status, TopicTail<Heartbeat> beats, TopicTail<GpuTelemetry> telemetry) {
        PrintWriter out = spec.commandLine().getOut();
        DrainView view = new DrainView(
                status.getWorker(), status.getIncarnation(), undo, SILENCE.toMillis(), System.currentTimeMillis());
        Optional<DrainView.Outcome> outcome = Optional.empty();
        while (outcome.isEmpty()) {
            for (Tailed<Heartbeat> beat : beats.poll(POLL)) {
                if (beat.value() != null) {
                    view.heard(beat.value(), System.currentTimeMillis());
                }
            }
            for (Tailed<GpuTelemetry> report : telemetry.poll(Duration.ZERO)) {
                if (report.value() != null) {
                    view.heard(report.value());
                }
            }
            long now = System.currentTimeMillis();
            view.line(now).ifPresent(line -> {
                out.println(line);
                out.flush();
            });
            outcome = view.outcome(now);
        }
        DrainView.Outcome ended = outcome.get();
        if (!ended.wanted()) {
            throw new UserException(ended.sentence());
        }
        report(status, undo ? "serves" : "left", ended.sentence());
        return 0;
    }

    private void report(WorkerStatus status, String outcome, String sentence) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(sentence);
        out.flush();
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("worker", status.getWorker());
        report.put("incarnation", status.getIncarnation());
        report.put("outcome", outcome);
        report.put("sentence", sentence);
        JsonFile.write(json, report);
    }

    private static String seconds(Duration time) {
        return time.toMillis() % 1_000 == 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
    }
}
