package io.sluice.launcher.batch;

import io.sluice.launcher.UserException;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicAdmin;
import io.sluice.messaging.TopicTail;
import io.sluice.records.BestEffortJob;
import io.sluice.records.BestEffortProgress;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.serialization.StringSerializer;

/** The topics of offline jobs, as a client sees them. Not thread-safe. */
public final class JobTopics implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final Duration POLL = Duration.ofMillis(200);

    private final KafkaSettings settings;
    private final SchemaRegistry registry;

    /** @throws UserException when no batch service has run against the broker */
    public JobTopics(KafkaSettings settings) {
        this.settings = settings;
        try (TopicAdmin admin = new TopicAdmin(settings, TIMEOUT)) {
            if (!admin.names()
                    .containsAll(List.of(Topics.BEST_EFFORT_JOBS.name(), Topics.BEST_EFFORT_PROGRESS.name()))) {
                throw new UserException("the broker at " + settings.bootstrap() + " has no topic "
                        + Topics.BEST_EFFORT_JOBS.name() + ": start a stack, or ./sluice batcher against it, first");
            }
        }
        this.registry = new SchemaRegistry(settings.registryUrl(), TIMEOUT);
    }

    /** What is known of one job. */
    public static final class JobView {
        private final TreeMap<Long, String> results = new TreeMap<>();
        private BestEffortProgress newest;

        private void take(BestEffortProgress progress) {
            newest = progress;
            if (progress.getItemIndex() != null) {
                results.putIfAbsent(progress.getItemIndex(), progress.getItemResult());
            }
        }

        /** The record that was published last. */
        BestEffortProgress newest() {
            return newest;
        }

        /** Results in the order of the items. */
        public Collection<String> results() {
            return results.values();
        }

        boolean isOver() {
            return switch (newest.getState()) {
                case SUCCEEDED, FAILED, CANCELLED -> true;
                case QUEUED, RUNNING, PAUSED -> false;
            };
        }
    }

    /** All jobs of which anything was published, by id. */
    Map<String, JobView> all() {
        Map<String, JobView> jobs = new TreeMap<>();
        try (TopicTail<BestEffortProgress> tail = TopicTail.fromBeginning(
                settings, registry, Topics.BEST_EFFORT_PROGRESS, IsolationLevel.READ_COMMITTED)) {
            while (!tail.atEnd()) {
                for (Tailed<BestEffortProgress> record : tail.poll(POLL)) {
                    if (record.value() != null) {
                        jobs.computeIfAbsent(record.value().getJobId(), id -> new JobView())
                                .take(record.value());
                    }
                }
            }
        }
        return jobs;
    }

    /** One job; empty when nothing of it was published yet. */
    Optional<JobView> find(String id) {
        return Optional.ofNullable(all().get(id));
    }

    /** One job; says that there is none of this name. */
    public JobView require(String id) {
        return find(id).orElseThrow(() ->
                new UserException("nothing is known of job '" + id + "' (yet); ./sluice batch status lists the jobs"));
    }

    /** Sends records; returns when the broker has them. */
    public void send(List<BestEffortJob> records) {
        try (KafkaProducer<String, BestEffortJob> producer = new KafkaProducer<>(
                KafkaClients.durableProducer(settings, "sluice-batch-client"),
                new StringSerializer(),
                new AvroSerializer<>(registry, Topics.BEST_EFFORT_JOBS))) {
            for (BestEffortJob record : records) {
                producer.send(new ProducerRecord<>(Topics.BEST_EFFORT_JOBS.name(), record.getJobId(), record))
                        .get();
            }
        } catch (ExecutionException e) {
            throw new UserException("the job could not be sent: " + e.getCause().getMessage(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserException("interrupted while the job was sent", e);
        }
    }

    @Override
    public void close() {
        registry.close();
    }
}
