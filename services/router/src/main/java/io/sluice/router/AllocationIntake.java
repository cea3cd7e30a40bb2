package io.sluice.router;

import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.AllocationVerifier;
import io.sluice.messaging.AllocationCodec;
import io.sluice.records.ErrorReason;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.RecordFormatException;
import io.sluice.schemas.Topics;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes allocations over from the global store: verifies each new one and hands it on, newest epoch only. The last
 * valid one is kept in a store of the task's own, because the global store, like its topic, holds only the last
 * record, valid or not. One task, that of partition 0, reports what is refused, once. Used by one task.
 */
final class AllocationIntake {
    private static final Logger LOG = LoggerFactory.getLogger(AllocationIntake.class);
    private static final int REPORTING_PARTITION = 0;
    /** Not a character of a model name's key: the stores' other entries are keyed by model. */
    private static final String REFUSED = "\u0000refused/";

    private final ReadOnlyKeyValueStore<String, byte[]> latest;
    private final KeyValueStore<String, byte[]> valid;
    private final AvroDeserializer<io.sluice.records.Allocation> reader;
    private final int partition;
    private final Map<String, byte[]> seen = new HashMap<>();
    private final Map<String, Long> epochs = new HashMap<>();

    AllocationIntake(
            ReadOnlyKeyValueStore<String, byte[]> latest,
            KeyValueStore<String, byte[]> valid,
            AvroDeserializer<io.sluice.records.Allocation> reader,
            int partition) {
        this.latest = latest;
        this.valid = valid;
        this.reader = reader;
        this.partition = partition;
    }

    /** Entry of the global store: where the record was, then the record. */
    static byte[] envelope(int partition, long offset, byte[] value) {
        return ByteBuffer.allocate(Integer.BYTES + Long.BYTES + value.length)
                .putInt(partition)
                .putLong(offset)
                .put(value)
                .array();
    }

    private record Arrived(String model, int partition, long offset, byte[] value) {
        static Arrived of(String model, byte[] envelope) {
            ByteBuffer buffer = ByteBuffer.wrap(envelope);
            int partition = buffer.getInt();
            long offset = buffer.getLong();
            byte[] value = Arrays.copyOfRange(envelope, buffer.position(), envelope.length);
            return new Arrived(model, partition, offset, value);
        }

        Outbox.Origin origin() {
            return new Outbox.Origin(
                    Topics.ALLOCATIONS.name(), partition, offset, model.getBytes(StandardCharsets.UTF_8), value);
        }
    }

    /** Goes on with the last valid allocation of before a restart. */
    void restore(String model, SharedDispatch dispatch) {
        byte[] stored = valid.get(model);
        if (stored == null) {
            return;
        }
        try {
            Allocation allocation = AllocationCodec.decode(reader.deserialize(Topics.ALLOCATIONS.name(), stored));
            epochs.put(model, allocation.epoch());
            dispatch.accept(allocation);
        } catch (RecordFormatException e) {
            // The registry has lost the schema; the topic will bring the next allocation.
            LOG.warn("stored allocation not readable model={} reason={}", model, e.getMessage());
        }
    }

    /**
     * Looks for a newer allocation of a model.
     *
     * @return whether the model has a newer one in use
     */
    boolean poll(String model, SharedDispatch dispatch, RouterMetrics metrics, Outbox outbox) {
        byte[] envelope = latest.get(model);
        byte[] before = seen.get(model);
        if (envelope == null || envelope == before) {
            return false;
        }
        seen.put(model, envelope);
        if (Arrays.equals(envelope, before)) {
            return false;
        }
        Arrived arrived = Arrived.of(model, envelope);
        Allocation allocation;
        try {
            allocation = verified(arrived);
        } catch (RecordFormatException e) {
            refuse(arrived, e.reason(), e.getMessage(), outbox);
            return false;
        } catch (IllegalArgumentException e) {
            refuse(arrived, ErrorReason.INVALID_ALLOCATION, e.getMessage(), outbox);
            return false;
        }
        long epoch = epochs.getOrDefault(model, 0L);
        if (allocation.epoch() <= epoch) {
            if (allocation.epoch() < epoch && partition == REPORTING_PARTITION) {
                LOG.warn(
                        "allocation ignored model={} epoch={} inUse={} hint=a planner that lost its state must"
                                + " continue above the epoch in use",
                        model,
                        allocation.epoch(),
                        epoch);
            }
            return false;
        }
        boolean first = dispatch.accept(allocation);
        epochs.put(model, allocation.epoch());
        valid.put(model, arrived.value());
        metrics.workers(allocation);
        if (first) {
            LOG.info(
                    "allocation in use model={} epoch={} workers={} maxFlow={}",
                    model,
                    allocation.epoch(),
                    allocation.workers().size(),
                    allocation.maxFlow());
        }
        return true;
    }

    private Allocation verified(Arrived arrived) {
        Allocation allocation = AllocationCodec.decode(reader.deserialize(Topics.ALLOCATIONS.name(), arrived.value()));
        if (!allocation.model().equals(arrived.model())) {
            throw new IllegalArgumentException("allocation of model " + allocation.model() + " has the key "
                    + arrived.model() + "; the key must be the model");
        }
        var violations = AllocationVerifier.verify(allocation);
        if (!violations.isEmpty()) {
            throw new IllegalArgumentException("allocation of model " + allocation.model() + ", epoch "
                    + allocation.epoch() + ", cannot be used: " + String.join("; ", violations)
                    + "; the last valid one stays in use");
        }
        return allocation;
    }

    private void refuse(Arrived arrived, ErrorReason reason, String message, Outbox outbox) {
        byte[] place = envelope(arrived.partition(), arrived.offset(), new byte[0]);
        String key = REFUSED + arrived.model();
        if (partition == REPORTING_PARTITION && !Arrays.equals(valid.get(key), place)) {
            valid.put(key, place);
            outbox.deadLetter(arrived.origin(), reason, message);
        }
    }
}
