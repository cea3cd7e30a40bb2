package io.sluice.launcher.bench.recovery;

import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.membership.LeaseTable;
import io.sluice.core.membership.MemberEvent;
import io.sluice.messaging.HeartbeatCodec;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Allocation;
import io.sluice.records.Heartbeat;
import io.sluice.records.WorkerFlow;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.common.IsolationLevel;

/**
 * Who is there, as an onlooker sees it: statuses, the newest allocation, and the heartbeats in a lease table of the same
 * rules as the router's. Not thread-safe.
 */
public final class ClusterView implements AutoCloseable {
    /** The onlooker reads all the time, so it never takes itself for cut off. */
    private static final long ECHO_MS = 60_000;

    private final TopicTail<WorkerStatus> statuses;
    private final TopicTail<Allocation> allocations;
    private final TopicTail<Heartbeat> heartbeats;
    private final LeaseTable leases = new LeaseTable(ECHO_MS, System.currentTimeMillis());
    private final Map<WorkerId, WorkerStatus> newest = new TreeMap<>();
    private final List<Event> events = new ArrayList<>();
    private Allocation allocation;

    /** @param atMs when the onlooker noticed, milliseconds since the Unix epoch */
    public record Event(MemberEvent event, long atMs) {}

    public ClusterView(KafkaSettings settings, SchemaRegistry registry) {
        statuses = TopicTail.fromBeginning(settings, registry, Topics.WORKERS, IsolationLevel.READ_COMMITTED);
        allocations = TopicTail.fromBeginning(settings, registry, Topics.ALLOCATIONS, IsolationLevel.READ_COMMITTED);
        heartbeats = TopicTail.fromEnd(settings, registry, Topics.HEARTBEATS, IsolationLevel.READ_UNCOMMITTED);
    }

    /** Reads what has come; waits for heartbeats at most this long. */
    public void poll(Duration wait) {
        for (Tailed<WorkerStatus> status : statuses.poll(Duration.ZERO)) {
            if (status.value() != null) {
                newest.merge(
                        new WorkerId(status.key()),
                        status.value(),
                        (old, now) -> now.getIncarnation() < old.getIncarnation() ? old : now);
            }
        }
        for (Tailed<Allocation> record : allocations.poll(Duration.ZERO)) {
            allocation = record.value();
        }
        for (Tailed<Heartbeat> record : heartbeats.poll(wait)) {
            Beat beat = record.value() == null ? null : HeartbeatCodec.decode(record.value());
            long now = System.currentTimeMillis();
            if (beat != null && newest.containsKey(beat.worker())) {
                note(leases.beat(beat, now), now);
            }
        }
        long now = System.currentTimeMillis();
        leases.echo(now);
        note(leases.tick(now), now);
    }

    private void note(List<MemberEvent> happened, long now) {
        happened.forEach(event -> events.add(new Event(event, now)));
    }

    /** Everything noticed about the workers so far, in order. */
    public List<Event> events() {
        return List.copyOf(events);
    }

    /** When the worker was first noticed to be lost after {@code sinceMs}; 0: not yet. */
    public long lostMs(WorkerId worker, long sinceMs) {
        return events.stream()
                .filter(e -> e.atMs() >= sinceMs && e.event().worker().equals(worker))
                .filter(e -> e.event() instanceof MemberEvent.Lost || e.event() instanceof MemberEvent.Restarted)
                .mapToLong(Event::atMs)
                .findFirst()
                .orElse(0);
    }

    /** Newest incarnation that sends heartbeats; {@link LeaseTable#UNKNOWN}: none was heard. */
    public long incarnation(WorkerId worker) {
        return leases.incarnation(worker);
    }

    /** The workers of {@code wanted} that do not serve: without a status or a lease, or not in the newest allocation. */
    public List<WorkerId> missing(Collection<WorkerId> wanted) {
        Set<String> carrying = allocation == null
                ? Set.of()
                : allocation.getWorkers().stream().map(WorkerFlow::getWorker).collect(Collectors.toSet());
        return wanted.stream()
                .filter(worker -> {
                    WorkerStatus status = newest.get(worker);
                    return status == null
                            || status.getState() != WorkerState.JOINED
                            || !leases.takesSessions(worker)
                            || leases.incarnation(worker) != status.getIncarnation()
                            || !carrying.contains(worker.value());
                })
                .sorted()
                .toList();
    }

    @Override
    public void close() {
        heartbeats.close();
        allocations.close();
        statuses.close();
    }
}
