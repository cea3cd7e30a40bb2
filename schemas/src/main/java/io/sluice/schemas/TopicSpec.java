package io.sluice.schemas;

import java.time.Duration;
import java.util.Objects;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;

/**
 * One topic of the public interface: what is in it, what its key means and how long it stays. Immutable.
 *
 * @param name topic name
 * @param type record type of the values; keys are UTF-8 strings
 * @param keyMeaning what the key is, for people
 * @param partitions partitions at creation
 * @param cleanup clean-up policy
 * @param retention how long records stay; ignored by {@link Cleanup#COMPACT}
 * @param global whether every reader reads the topic whole (small control topics with one partition)
 */
public record TopicSpec<T extends SpecificRecord>(
        String name,
        Class<T> type,
        String keyMeaning,
        int partitions,
        Cleanup cleanup,
        Duration retention,
        boolean global) {

    public TopicSpec {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(keyMeaning, "keyMeaning");
        Objects.requireNonNull(cleanup, "cleanup");
        Objects.requireNonNull(retention, "retention");
        if (partitions < 1) {
            throw new IllegalArgumentException("topic " + name + ": partitions " + partitions + " must be at least 1");
        }
        if (retention.isNegative() || retention.isZero()) {
            throw new IllegalArgumentException("topic " + name + ": retention " + retention + " must be positive");
        }
    }

    /**
     * The registry subject of the values, {@code <topic>-value}. All activation topics hold one record layout and share
     * the subject {@value Topics#ACTIVATIONS_SUBJECT}, so that a new worker needs no new subject.
     */
    public String subject() {
        return Topics.isActivations(name) ? Topics.ACTIVATIONS_SUBJECT : name + "-value";
    }

    /** The Avro schema of the values as compiled in. */
    public Schema schema() {
        return SpecificData.get().getSchema(type);
    }

    /** The same topic with another number of partitions. */
    public TopicSpec<T> withPartitions(int count) {
        return new TopicSpec<>(name, type, keyMeaning, count, cleanup, retention, global);
    }
}
