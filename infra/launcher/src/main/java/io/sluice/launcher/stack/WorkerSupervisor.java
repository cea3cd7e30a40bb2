package io.sluice.launcher.stack;

import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.embedded.ChildProcess;
import io.sluice.messaging.HeartbeatCodec;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Heartbeat;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.serialization.StringSerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees worker processes end. It says so at once on the heartbeats topic, so that no router waits for a lease, and starts
 * the worker again as a new incarnation of the same name, after a pause that doubles with every restart of the last
 * minute. Thread-safe.
 */
final class WorkerSupervisor implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerSupervisor.class);
    private static final String REPORTER = "supervisor";
    private static final Duration POLL = Duration.ofMillis(100);
    private static final long WINDOW_NANOS = Duration.ofMinutes(1).toNanos();
    private static final long FIRST_PAUSE_MS = 200;
    private static final int DOUBLINGS = 5;

    private final StackConfig.Supervision rule;
    private final WorkerProcesses processes;
    private final Progress progress;
    private final Consumer<WorkerStatus> joined;
    private final Producer<String, Heartbeat> reports;
    private final TopicTail<WorkerStatus> statuses;
    private final Map<WorkerId, Long> incarnations = new ConcurrentHashMap<>();
    private final Map<WorkerId, Long> reported = new ConcurrentHashMap<>();
    private final Map<WorkerId, Deque<Long>> restarts = new ConcurrentHashMap<>();
    private final ScheduledExecutorService later;
    private final Thread follower;
    private volatile boolean closed;

    /** @param joined hears of every worker that joins; called on a thread of this class */
    WorkerSupervisor(
            StackConfig.Supervision rule,
            WorkerProcesses processes,
            KafkaSettings settings,
            SchemaRegistry registry,
            Progress progress,
            Consumer<WorkerStatus> joined) {
        this.rule = rule;
        this.processes = processes;
        this.progress = progress;
        this.joined = joined;
        this.reports = new KafkaProducer<>(
                KafkaClients.durableProducer(settings, "sluice-supervisor"),
                new StringSerializer(),
                new AvroSerializer<>(registry, Topics.HEARTBEATS));
        this.statuses = TopicTail.fromBeginning(settings, registry, Topics.WORKERS, IsolationLevel.READ_COMMITTED);
        this.later = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("supervisor").factory());
        this.follower = Thread.ofPlatform().daemon().name("supervisor-statuses").start(this::follow);
        // The first report must not wait for a schema or metadata.
        registry.register(Topics.HEARTBEATS.subject(), Topics.HEARTBEATS.schema());
        reports.partitionsFor(Topics.HEARTBEATS.name());
    }

    /** From now on the end of this process is noticed. */
    void watch(WorkerId id, ChildProcess child) {
        child.onUnexpectedExit(() -> ended(id, child));
    }

    private void follow() {
        while (!closed) {
            try {
                for (Tailed<WorkerStatus> tailed : statuses.poll(POLL)) {
                    if (tailed.value() != null) {
                        heard(tailed.value());
                    }
                }
            } catch (RuntimeException e) {
                if (!closed) {
                    LOG.warn("supervisor cannot read worker statuses now: {}", e.toString());
                    LockSupport.parkNanos(POLL.toNanos());
                }
            }
        }
        statuses.close();
    }

    private void heard(WorkerStatus status) {
        long newest = incarnations.merge(new WorkerId(status.getWorker()), status.getIncarnation(), Math::max);
        if (status.getState() == WorkerState.JOINED && newest == status.getIncarnation()) {
            joined.accept(status);
        }
    }

    private void ended(WorkerId id, ChildProcess child) {
        if (closed) {
            return;
        }
        if (child.endedInOrder()) {
            // It was drained and has said so itself; whoever asked for that does not want it back.
            processes.remove(id);
            progress.step("worker", id + " has drained and left");
            return;
        }
        report(id, child);
        boolean registered = processes.process(id) == child;
        if (!registered) {
            return; // taken away on purpose
        }
        if (!rule.restart()) {
            progress.step("worker", id + " has ended; its log: " + child.log());
            return;
        }
        Deque<Long> recent = restarts.computeIfAbsent(id, any -> new ArrayDeque<>());
        int already;
        synchronized (recent) {
            long now = System.nanoTime();
            while (!recent.isEmpty() && now - recent.peekFirst() > WINDOW_NANOS) {
                recent.removeFirst();
            }
            already = recent.size();
            recent.addLast(now);
        }
        if (already >= rule.mostPerMinute()) {
            progress.step(
                    "worker",
                    id + " has ended " + (already + 1) + " times within a minute and is left alone; its log: "
                            + child.log());
            return;
        }
        long pauseMs = FIRST_PAUSE_MS << Math.min(already, DOUBLINGS);
        progress.step("worker", id + " has ended and is started again in " + pauseMs + " ms; its log: " + child.log());
        try {
            later.schedule(() -> restart(id, child), pauseMs, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("worker={} ended while the stack stops", id, e);
        }
    }

    private void report(WorkerId id, ChildProcess child) {
        Long incarnation = incarnations.get(id);
        if (incarnation == null || incarnation.equals(reported.put(id, incarnation))) {
            LOG.info("worker={} pid={} ended before it had joined; nothing to report", id, child.pid());
            return;
        }
        Beat end = new Beat(id, incarnation, Beat.State.GONE, 0, 1, REPORTER, "process " + child.pid() + " has ended");
        reports.send(
                new ProducerRecord<>(
                        Topics.HEARTBEATS.name(),
                        id.value(),
                        HeartbeatCodec.encode(end, Long.MAX_VALUE, System.currentTimeMillis())),
                (metadata, error) -> {
                    if (error != null) {
                        LOG.warn("the end of worker={} was not reported: {}", id, error.toString());
                    }
                });
        LOG.info("worker={} incarnation={} pid={} reported=GONE", id, incarnation, child.pid());
    }

    private void restart(WorkerId id, ChildProcess ended) {
        try {
            processes.restart(id, ended).ifPresent(child -> watch(id, child));
        } catch (RuntimeException e) {
            LOG.error("worker={} could not be started again", id, e);
            progress.step("worker", id + " could not be started again: " + e.getMessage());
        }
    }

    @Override
    public void close() {
        closed = true;
        later.shutdownNow();
        statuses.wakeup();
        try {
            follower.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        reports.close(Duration.ofSeconds(1));
    }
}
