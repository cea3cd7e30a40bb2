package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.messaging.KafkaSettings;
import io.sluice.records.Heartbeat;
import io.sluice.records.WorkerCommand;
import io.sluice.records.WorkerOrder;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.Producer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker as a member of the cluster: what it announces, its heartbeats, its drain, its leaving, and the rule that of two
 * processes of one name the newer one serves. Thread-safe once it has joined.
 */
final class Membership {
    private static final Logger LOG = LoggerFactory.getLogger(Membership.class);
    private static final Duration LEFT_TIMEOUT = Duration.ofSeconds(2);

    private final WorkerId self;
    private final MembershipSettings settings;
    private final Standing standing;
    private final long incarnation;
    private final TopicFollower<WorkerCommand> commands;
    private final TopicFollower<WorkerStatus> names;
    private final LongSupplier nanos = System::nanoTime;
    private final LongSupplier epochMillis;
    private final Object word = new Object();
    private final AtomicBoolean superseded = new AtomicBoolean();
    private volatile String leaveReason = "stopped";
    private Heartbeats heartbeats;
    private DrainWatch drainWatch;
    /** Null until it joins. */
    private volatile StatusPublisher statuses;

    private Supplier<Holding> holding;
    private Consumer<NameTakenException> whenSuperseded;
    private Runnable whenServing = () -> {};

    /** Starts a part's thread, which is told to stop when the worker is closed. */
    @FunctionalInterface
    interface Threads {
        void start(String name, Runnable body, Runnable stop);
    }

    private Membership(
            WorkerId self,
            MembershipSettings settings,
            long incarnation,
            TopicFollower<WorkerCommand> commands,
            TopicFollower<WorkerStatus> names,
            LongSupplier epochMillis) {
        this.self = self;
        this.settings = settings;
        this.incarnation = incarnation;
        this.standing = new Standing(self, incarnation, settings.lease().toMillis());
        this.commands = commands;
        this.names = names;
        this.epochMillis = epochMillis;
    }

    /**
     * Reads what is known of the name, so that this process is newer than all before it whatever their clocks said, and
     * passes over the commands that were meant for them.
     */
    static Membership open(
            WorkerId self,
            MembershipSettings settings,
            KafkaSettings kafka,
            SchemaRegistry registry,
            LongSupplier epochMillis,
            CloseStack parts)
            throws InterruptedException {
        Objects.requireNonNull(self, "self");
        TopicFollower<WorkerStatus> names =
                parts.push("names", new TopicFollower<>(kafka, registry, Topics.WORKERS, self));
        long[] known = {0};
        names.readToEnd(status -> known[0] = Math.max(known[0], status.getIncarnation()));
        long incarnation = Math.max(epochMillis.getAsLong(), known[0] + 1);
        TopicFollower<WorkerCommand> commands =
                parts.push("commands", new TopicFollower<>(kafka, registry, Topics.WORKER_COMMANDS, self));
        commands.readToEnd(command -> {});
        return new Membership(self, settings, incarnation, commands, names, epochMillis);
    }

    /** Grows with every start of the worker. */
    long incarnation() {
        return incarnation;
    }

    Standing standing() {
        return standing;
    }

    /** Has {@code action} run when a drain was called off. */
    void onServing(Runnable action) {
        whenServing = Objects.requireNonNull(action, "action");
    }

    /**
     * Announces the worker and keeps it announced.
     *
     * @param alive whether the vital threads still run
     * @param leave told why the worker shall be closed
     * @param taken told when a newer process has the name
     */
    void join(
            StatusPublisher publisher,
            Supplier<Holding> held,
            IntervalStats stats,
            Producer<byte[], byte[]> producer,
            SchemaRegistry registry,
            BooleanSupplier alive,
            Consumer<String> leave,
            Consumer<NameTakenException> taken,
            Threads threads,
            CloseStack parts) {
        statuses = publisher;
        holding = held;
        whenSuperseded = taken;
        RecordSender<Heartbeat> sender =
                new RecordSender<>(producer, new AvroSerializer<>(registry, Topics.HEARTBEATS), Topics.HEARTBEATS);
        heartbeats = new Heartbeats(standing, sender, settings.heartbeat(), alive, nanos, epochMillis);
        drainWatch = new DrainWatch(standing, stats, nanos, epochMillis, leave);
        announce(held.get());
        threads.start("heartbeat", heartbeats::run, heartbeats::stop);
        parts.push("membership", this::leave);
        threads.start("drain", drainWatch::run, drainWatch::stop);
        threads.start("commands", () -> commands.run(this::obey), commands::stop);
        threads.start("names", () -> names.run(this::compare), names::stop);
    }

    /** Announces what the worker holds, unless it has not joined yet, which says it all, or has left. */
    void announce(Holding held) {
        // One at a time, so that an older standing is never the last word.
        synchronized (word) {
            WorkerState state = standing.view().state();
            if (statuses != null && state != WorkerState.LEFT && !superseded.get()) {
                statuses.send(state, held);
            }
        }
    }

    /**
     * Begins to drain.
     *
     * @param limit after which the worker leaves whatever is left; zero: when its sessions are gone
     * @param certain whether it cannot be called off
     */
    void drain(Duration limit, String reason, boolean certain) {
        long deadline = limit.isZero() ? 0 : epochMillis.getAsLong() + limit.toMillis();
        if (standing.drain(deadline, reason, certain)) {
            LOG.info(
                    "worker={} state=draining deadline_ms={} reason=\"{}\"",
                    self,
                    limit.isZero() ? "none" : limit.toMillis(),
                    reason);
            tell();
        }
    }

    /** Why it will leave; what the last heartbeat says. */
    void leaving(String reason) {
        leaveReason = Objects.requireNonNull(reason, "reason");
    }

    private void tell() {
        heartbeats.send();
        announce(holding.get());
        drainWatch.wake();
    }

    private void obey(WorkerCommand command) {
        if (command.getIncarnation() != 0 && command.getIncarnation() != incarnation) {
            LOG.info(
                    "worker={} command={} ignored: it is for incarnation {}, this is {}",
                    self,
                    command.getCommand(),
                    command.getIncarnation(),
                    incarnation);
            return;
        }
        if (command.getCommand() == WorkerOrder.SERVE) {
            if (standing.serve()) {
                LOG.info("worker={} state=serving reason=\"drain called off by {}\"", self, command.getRequestedBy());
                tell();
                whenServing.run();
            }
            return;
        }
        // By the sender's clock on both sides: only how long is taken over, so that clocks need not agree.
        Duration limit = command.getDeadlineMs() == 0
                ? Duration.ZERO
                : Duration.ofMillis(Math.max(1, command.getDeadlineMs() - command.getAtMs()));
        String by = command.getRequestedBy().isEmpty() ? "a command" : command.getRequestedBy();
        drain(limit, "asked by " + by, false);
    }

    private void compare(WorkerStatus status) {
        if (status.getIncarnation() > incarnation && superseded.compareAndSet(false, true)) {
            heartbeats.fallSilent();
            whenSuperseded.accept(new NameTakenException(self, incarnation, status.getIncarnation()));
        } else if (status.getIncarnation() < incarnation) {
            // A process of an earlier start still talks; the topic keeps the last word, which must be this one's.
            LOG.warn(
                    "worker={} incarnation={} state=zombie message=\"a process of an earlier start still announces"
                            + " itself; this one repeats its announcement\"",
                    self,
                    status.getIncarnation());
            announce(holding.get());
        }
    }

    /** LEFT, then GONE; of a process that lost its name, nothing: it would speak for the newer one. */
    private void leave() {
        if (superseded.get()) {
            return;
        }
        standing.leave(leaveReason);
        synchronized (word) {
            statuses.sendAndWait(WorkerState.LEFT, holding.get(), LEFT_TIMEOUT);
        }
        heartbeats.end();
        LOG.info("worker={} state=left reason=\"{}\"", self, standing.view().reason());
    }
}
