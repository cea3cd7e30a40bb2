package io.sluice.router;

import io.sluice.core.WorkerId;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which workers' activation topics exist. Workers create them; a chunk to a topic that does not exist would hold up
 * everything behind it until Kafka's producer gives up, so the router does not choose such a worker. The answer comes
 * from a list that is refreshed in the background, at once when an unknown worker is asked for. Thread-safe, never
 * blocks.
 */
final class ActivationTopics implements Predicate<WorkerId> {
    private static final Logger LOG = LoggerFactory.getLogger(ActivationTopics.class);
    private static final long REFRESH_NANOS = Duration.ofSeconds(5).toNanos();
    private static final long REFRESH_UNKNOWN_NANOS = Duration.ofMillis(200).toNanos();

    private final Supplier<CompletionStage<Set<String>>> lister;
    private final LongSupplier nanoTime;
    private final AtomicBoolean refreshing = new AtomicBoolean();
    private volatile Set<String> topics = Set.of();
    private volatile long refreshedAt;

    /** @param lister asks for the names of all topics */
    ActivationTopics(Supplier<CompletionStage<Set<String>>> lister, LongSupplier nanoTime) {
        this.lister = lister;
        this.nanoTime = nanoTime;
        this.refreshedAt = nanoTime.getAsLong() - REFRESH_NANOS;
    }

    @Override
    public boolean test(WorkerId worker) {
        boolean exists = topics.contains(Topics.activations(worker).name());
        long age = nanoTime.getAsLong() - refreshedAt;
        if (age > (exists ? REFRESH_NANOS : REFRESH_UNKNOWN_NANOS) && refreshing.compareAndSet(false, true)) {
            refresh();
        }
        return exists;
    }

    private void refresh() {
        lister.get().whenComplete((names, failure) -> {
            if (failure == null) {
                topics = Set.copyOf(names);
            } else {
                LOG.debug("topics not listed, the last list stays: {}", failure.getMessage());
            }
            refreshedAt = nanoTime.getAsLong();
            refreshing.set(false);
        });
    }
}
