package io.sluice.router;

import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Fills the global store with the last record of every model, unread: a bad one must reach the errors topic, and only a
 * task can write there. A tombstone changes nothing; the last allocation stays in use.
 */
final class AllocationCollector implements Processor<String, byte[], Void, Void> {
    private ProcessorContext<Void, Void> context;
    private KeyValueStore<String, byte[]> store;

    @Override
    public void init(ProcessorContext<Void, Void> processorContext) {
        context = processorContext;
        store = processorContext.getStateStore(RouterTopology.ALLOCATIONS_GLOBAL_STORE);
    }

    @Override
    public void process(Record<String, byte[]> record) {
        if (record.key() == null || record.value() == null) {
            return;
        }
        RecordMetadata at = context.recordMetadata().orElseThrow();
        store.put(record.key(), AllocationIntake.envelope(at.partition(), at.offset(), record.value()));
    }
}
