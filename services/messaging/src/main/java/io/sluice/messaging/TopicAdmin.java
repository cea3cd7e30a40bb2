package io.sluice.messaging;

import io.sluice.schemas.TopicSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Creates missing topics as the catalogue says; existing ones stay as they are. Thread-safe. */
public final class TopicAdmin implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TopicAdmin.class);
    private static final Duration REPORT = Duration.ofSeconds(3);
    private static final Duration RETRY = Duration.ofMillis(50);
    private static final Duration SEGMENT_MAX = Duration.ofDays(7);
    private static final Duration SEGMENT_MIN = Duration.ofMinutes(1);
    private static final int SEGMENTS_PER_RETENTION = 4;
    /** Leaders are spread over the brokers of a region by the topics that begin so. */
    private static final String FAMILY = "sluice.activations.";

    private final String bootstrap;
    private final Duration timeout;
    private final Admin admin;

    /** Waits up to a minute for the broker in every call. */
    public TopicAdmin(KafkaSettings settings) {
        this(settings, Duration.ofMinutes(1));
    }

    /** @param timeout how long each call waits for a broker that does not answer */
    public TopicAdmin(KafkaSettings settings, Duration timeout) {
        this.bootstrap = settings.bootstrap();
        this.timeout = Objects.requireNonNull(timeout, "timeout");
        this.admin = Admin.create(KafkaClients.admin(settings));
    }

    /** As {@link #ensure(Collection)} for one topic. */
    public void ensure(TopicSpec<?> topic) {
        ensure(List.of(topic));
    }

    /**
     * Creates those topics that do not exist, and returns when all of them have leaders.
     *
     * @throws BrokerUnavailableException when the broker does not answer in time, or refuses
     */
    public void ensure(Collection<? extends TopicSpec<?>> topics) {
        long deadline = System.nanoTime() + timeout.toNanos();
        Set<String> existing = names(deadline);
        List<TopicSpec<?>> missing = new ArrayList<>(topics);
        missing.removeIf(topic -> existing.contains(topic.name()));
        if (!missing.isEmpty()) {
            create(missing.stream().map(TopicAdmin::newTopic).toList(), deadline);
        }
        awaitLeaders(topics.stream().map(TopicSpec::name).toList(), deadline);
    }

    /**
     * As {@link #ensure(TopicSpec)} for a topic that a worker of this region reads: if it does not exist, it is created with
     * its leader on a broker whose rack is the region, where the cluster has one. A topic that exists stays where it is.
     */
    public void ensureNear(TopicSpec<?> topic, String region) {
        long deadline = System.nanoTime() + timeout.toNanos();
        if (!names(deadline).contains(topic.name())) {
            Optional<List<Integer>> replicas = replicasNear(topic, region, deadline);
            replicas.ifPresent(brokers -> {
                Map<Integer, List<Integer>> byPartition = new HashMap<>();
                for (int partition = 0; partition < topic.partitions(); partition++) {
                    byPartition.put(partition, brokers);
                }
                create(List.of(new NewTopic(topic.name(), byPartition).configs(settings(topic))), deadline);
                LOG.info("topic placed name={} region={} brokers={}", topic.name(), region, brokers);
            });
        }
        ensure(topic);
    }

    private Optional<List<Integer>> replicasNear(TopicSpec<?> topic, String region, long deadline) {
        Collection<Node> nodes = await(
                "describe the cluster",
                deadline,
                () -> completable(admin.describeCluster().nodes()));
        if (nodes.stream().noneMatch(node -> region.equals(node.rack()))) {
            return Optional.empty();
        }
        Map<Integer, Long> led = new HashMap<>();
        List<String> alike =
                names(deadline).stream().filter(name -> name.startsWith(FAMILY)).toList();
        await(
                        "describe topics",
                        deadline,
                        () -> completable(admin.describeTopics(alike).allTopicNames()))
                .values()
                .forEach(described -> described.partitions().forEach(partition -> {
                    if (partition.leader() != null) {
                        led.merge(partition.leader().id(), 1L, Long::sum);
                    }
                }));
        String controller = nodes.iterator().next().idString();
        ConfigResource resource = new ConfigResource(ConfigResource.Type.BROKER, controller);
        String replication = await(
                        "describe the brokers",
                        deadline,
                        () -> completable(
                                admin.describeConfigs(List.of(resource)).all()))
                .get(resource)
                .get("default.replication.factor")
                .value();
        List<ReplicaChoice.Broker> brokers = nodes.stream()
                .map(node -> new ReplicaChoice.Broker(
                        node.id(), Optional.ofNullable(node.rack()), led.getOrDefault(node.id(), 0L)))
                .toList();
        return ReplicaChoice.near(region, brokers, Integer.parseInt(replication));
    }

    /** Names of all topics. */
    public Set<String> names() {
        return names(System.nanoTime() + timeout.toNanos());
    }

    private Set<String> names(long deadline) {
        return await(
                "list topics", deadline, () -> completable(admin.listTopics().names()));
    }

    @Override
    public void close() {
        admin.close(Duration.ofSeconds(1));
    }

    private void create(List<NewTopic> topics, long deadline) {
        List<String> names = topics.stream().map(NewTopic::name).toList();
        await(
                "create topics " + names,
                deadline,
                () -> CompletableFuture.allOf(admin.createTopics(topics).values().values().stream()
                        .map(TopicAdmin::createdOrThere)
                        .toArray(CompletableFuture[]::new)));
        topics.forEach(topic -> LOG.info("topic created name={} partitions={}", topic.name(), topic.numPartitions()));
    }

    /** Another service, or our own timed-out request, may have been faster. */
    private static CompletableFuture<Void> createdOrThere(KafkaFuture<Void> created) {
        return completable(created).handle((done, failure) -> {
            Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
            if (cause != null && !(cause instanceof TopicExistsException)) {
                throw new CompletionException(cause);
            }
            return null;
        });
    }

    private static <T> CompletableFuture<T> completable(KafkaFuture<T> future) {
        return future.toCompletionStage().toCompletableFuture();
    }

    private void awaitLeaders(List<String> names, long deadline) {
        while (true) {
            Map<String, TopicDescription> found = await(
                    "describe topics " + names,
                    deadline,
                    () -> completable(admin.describeTopics(names).allTopicNames()));
            boolean led = found.values().stream()
                    .flatMap(topic -> topic.partitions().stream())
                    .allMatch(partition ->
                            partition.leader() != null && !partition.leader().isEmpty());
            if (led) {
                return;
            }
            if (System.nanoTime() - deadline >= 0) {
                throw new BrokerUnavailableException(
                        "broker at " + bootstrap + ": some of the topics " + names + " have no leader; look at its log",
                        null);
            }
            pause();
        }
    }

    static NewTopic newTopic(TopicSpec<?> topic) {
        return new NewTopic(topic.name(), Optional.of(topic.partitions()), Optional.empty()).configs(settings(topic));
    }

    private static Map<String, String> settings(TopicSpec<?> topic) {
        Map<String, String> settings = new HashMap<>();
        settings.put(TopicConfig.CLEANUP_POLICY_CONFIG, topic.cleanup().policy());
        settings.put(
                TopicConfig.RETENTION_MS_CONFIG, Long.toString(topic.retention().toMillis()));
        settings.put(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(KafkaClients.MAX_RECORD_BYTES));
        // Only closed segments are deleted: without this a short retention would wait for a week-old segment.
        Duration segment = topic.retention().dividedBy(SEGMENTS_PER_RETENTION);
        segment = segment.compareTo(SEGMENT_MAX) > 0 ? SEGMENT_MAX : segment;
        segment = segment.compareTo(SEGMENT_MIN) < 0 ? SEGMENT_MIN : segment;
        settings.put(TopicConfig.SEGMENT_MS_CONFIG, Long.toString(segment.toMillis()));
        return settings;
    }

    /** Repeats a request while the broker is not there, and says so every few seconds. */
    private <T> T await(String what, long deadline, Supplier<CompletableFuture<T>> request) {
        long start = System.nanoTime();
        while (true) {
            long left = deadline - System.nanoTime();
            Throwable failure;
            try {
                return request.get().get(Math.max(1, Math.min(left, REPORT.toNanos())), TimeUnit.NANOSECONDS);
            } catch (ExecutionException e) {
                failure = e.getCause();
            } catch (TimeoutException e) {
                failure = e;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new BrokerUnavailableException("interrupted while asking the broker at " + bootstrap, e);
            }
            boolean again = failure instanceof TimeoutException || failure instanceof RetriableException;
            if (!again) {
                throw new BrokerUnavailableException(
                        "broker at " + bootstrap + " refused to " + what + ": " + failure.getMessage(), failure);
            }
            if (System.nanoTime() - deadline >= 0) {
                throw new BrokerUnavailableException(
                        "broker at " + bootstrap + " did not " + what + " within " + timeout.toSeconds()
                                + " s; start it or correct --bootstrap",
                        failure);
            }
            if (failure instanceof TimeoutException) {
                LOG.info(
                        "waiting for broker bootstrap={} waitedSeconds={}",
                        bootstrap,
                        (System.nanoTime() - start) / 1_000_000_000);
            } else {
                pause();
            }
        }
    }

    private void pause() {
        try {
            Thread.sleep(RETRY);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BrokerUnavailableException("interrupted while waiting for the broker at " + bootstrap, e);
        }
    }
}
