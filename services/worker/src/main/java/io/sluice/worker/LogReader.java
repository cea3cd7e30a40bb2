package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.core.recovery.LogRange;
import io.sluice.core.stage.LogPicker;
import io.sluice.records.ActivationBatch;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.RecordFormatException;
import io.sluice.schemas.RegistryUnavailableException;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the inputs of lost stages from their topics. One thread with a consumer of its own, opened when first needed;
 * what waits is read together, every record once, so that the sessions of one lost worker cost one pass. Orders may come
 * from any thread; a full queue is an answer, too.
 */
final class LogReader implements InputLog {
    /** Orders that may wait. */
    private static final int QUEUE = 1_024;

    private static final Logger LOG = LoggerFactory.getLogger(LogReader.class);
    private static final Duration POLL = Duration.ofMillis(100);
    private static final long RETRY_MILLIS = 50;
    private static final Duration CLOSE = Duration.ofSeconds(1);

    private final Supplier<org.apache.kafka.clients.consumer.Consumer<byte[], byte[]>> opener;
    private final AvroDeserializer<ActivationBatch> deserializer;
    private final ChunkReader reader;
    private final java.util.function.Consumer<Inbound> sink;
    private final Duration timeout;
    private final LongSupplier nanos;
    private final BlockingQueue<Waiting> queue = new ArrayBlockingQueue<>(QUEUE);
    private volatile org.apache.kafka.clients.consumer.Consumer<byte[], byte[]> consumer;
    private volatile boolean closed;
    private volatile Thread thread;

    private record Waiting(LogPicker.Want want, long sinceNanos) {}

    /** What is read at once. */
    private final class Pass {
        /** What is still to be answered. */
        private final Set<LoggedInputs> open = new LinkedHashSet<>();

        private final Map<TopicPartition, Map<LogRange, List<LoggedInputs>>> wanted = new LinkedHashMap<>();
        private final long deadlineNanos;

        Pass(List<Waiting> orders) {
            deadlineNanos = orders.getFirst().sinceNanos() + timeout.toNanos();
            for (Waiting waiting : orders) {
                LoggedInputs inputs = new LoggedInputs(waiting.want());
                open.add(inputs);
                for (LogRange range : waiting.want().ranges()) {
                    TopicPartition partition = partition(range.worker());
                    wanted.computeIfAbsent(partition, key -> new LinkedHashMap<>())
                            .computeIfAbsent(range, key -> new ArrayList<>())
                            .add(inputs);
                }
            }
        }

        long leftMillis() {
            return Math.max(0, (deadlineNanos - nanos.getAsLong()) / 1_000_000);
        }

        boolean anyOpen(List<LoggedInputs> of) {
            return of.stream().anyMatch(open::contains);
        }

        void gone(List<LoggedInputs> which, String why) {
            which.stream().filter(open::remove).forEach(inputs -> answerGone(inputs.want(), why));
        }
    }

    /**
     * @param opener opens a consumer that fails where an offset is out of range
     * @param timeout from the order to the last record
     */
    LogReader(
            Supplier<org.apache.kafka.clients.consumer.Consumer<byte[], byte[]>> opener,
            AvroDeserializer<ActivationBatch> deserializer,
            ChunkReader reader,
            java.util.function.Consumer<Inbound> sink,
            Duration timeout,
            LongSupplier nanos) {
        this.opener = Objects.requireNonNull(opener, "opener");
        this.deserializer = Objects.requireNonNull(deserializer, "deserializer");
        this.reader = Objects.requireNonNull(reader, "reader");
        this.sink = Objects.requireNonNull(sink, "sink");
        this.timeout = Objects.requireNonNull(timeout, "timeout");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
    }

    @Override
    public void read(LogPicker.Want want) {
        if (!queue.offer(new Waiting(want, nanos.getAsLong()))) {
            // The compute thread asks, and its inbox may be full: it looks up by itself what was never read.
            LOG.warn("session={} state=not_rebuilt reason=\"{} orders wait\"", want.session(), QUEUE);
        }
    }

    /** Reads what is ordered until {@link #close}. */
    void run() {
        thread = Thread.currentThread();
        try {
            while (!closed) {
                List<Waiting> orders = new ArrayList<>();
                orders.add(queue.take());
                queue.drainTo(orders);
                read(new Pass(orders));
            }
        } catch (InterruptedException e) {
            // Closing.
        } finally {
            if (consumer != null) {
                Thread.interrupted(); // a consumer does not close on an interrupted thread
                consumer.close(CloseOptions.timeout(CLOSE));
            }
        }
    }

    /** Makes {@link #run} return. */
    void close() {
        closed = true;
        Thread reading = thread;
        if (reading != null) {
            reading.interrupt();
        }
    }

    private void read(Pass pass) throws InterruptedException {
        try {
            if (consumer == null) {
                consumer = opener.get();
            }
            for (TopicPartition partition : pass.wanted.keySet()) {
                readTopic(pass, partition, pass.wanted.get(partition));
            }
        } catch (WakeupException | org.apache.kafka.common.errors.InterruptException e) {
            throw new InterruptedException();
        } catch (KafkaException e) {
            pass.gone(List.copyOf(pass.open), e.getMessage());
            return;
        }
        Arrival arrival = new Arrival("log", 0, nanos.getAsLong(), Arrival.NOT_LOGGED);
        for (LoggedInputs inputs : List.copyOf(pass.open)) {
            answer(inputs, arrival);
        }
    }

    private void answer(LoggedInputs inputs, Arrival arrival) {
        LogPicker.Want want = inputs.want();
        try {
            sink.accept(new Inbound.Rebuilt(want.session(), want.attempt(), inputs.inOrder(reader, arrival)));
        } catch (IllegalArgumentException e) {
            answerGone(want, e.getMessage());
        }
    }

    private void answerGone(LogPicker.Want want, String why) {
        sink.accept(new Inbound.LogGone(
                want.session(), want.attempt(), "the inputs cannot be read from the log again: " + why));
    }

    /** Ranges that overlap, and who wants them. */
    private record Stretch(long from, long end, List<LoggedInputs> readers) {}

    private void readTopic(Pass pass, TopicPartition partition, Map<LogRange, List<LoggedInputs>> ranges)
            throws InterruptedException {
        Duration left = Duration.ofMillis(Math.max(1, pass.leftMillis()));
        List<TopicPartition> one = List.of(partition);
        consumer.assign(one);
        long begin = consumer.beginningOffsets(one, left).get(partition);
        long end = consumer.endOffsets(one, left).get(partition);
        for (Map.Entry<LogRange, List<LoggedInputs>> range : ranges.entrySet()) {
            LogPicker.Want.gone(range.getKey(), partition.topic(), begin, end)
                    .ifPresent(why -> pass.gone(range.getValue(), why));
        }
        for (Stretch stretch : stretches(pass, ranges)) {
            readStretch(pass, partition, stretch);
        }
    }

    private static List<Stretch> stretches(Pass pass, Map<LogRange, List<LoggedInputs>> ranges) {
        List<Stretch> stretches = new ArrayList<>();
        ranges.entrySet().stream()
                .filter(range -> pass.anyOpen(range.getValue()))
                .sorted(Comparator.comparingLong(range -> range.getKey().firstOffset()))
                .forEach(range -> {
                    LogRange next = range.getKey();
                    Stretch last = stretches.isEmpty() ? null : stretches.getLast();
                    List<LoggedInputs> readers = new ArrayList<>(range.getValue());
                    if (last == null || next.firstOffset() > last.end()) {
                        stretches.add(new Stretch(next.firstOffset(), next.endOffset(), readers));
                        return;
                    }
                    stretches.removeLast();
                    last.readers().stream().filter(r -> !readers.contains(r)).forEach(readers::add);
                    stretches.add(new Stretch(last.from(), Math.max(last.end(), next.endOffset()), readers));
                });
        return stretches;
    }

    private void readStretch(Pass pass, TopicPartition partition, Stretch stretch) throws InterruptedException {
        consumer.seek(partition, stretch.from());
        // Not the last record's offset: a transaction's end takes one, too, and is never handed out.
        while (!closed && consumer.position(partition) < stretch.end()) {
            if (pass.leftMillis() == 0) {
                pass.gone(stretch.readers(), "not read within " + timeout.toMillis() + " ms");
                return;
            }
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                if (record.offset() < stretch.end() && record.value() != null) {
                    take(pass, record, stretch.readers());
                }
            }
        }
    }

    private void take(Pass pass, ConsumerRecord<byte[], byte[]> record, List<LoggedInputs> readers)
            throws InterruptedException {
        ActivationBatch batch = null;
        for (LoggedInputs inputs : readers) {
            if (pass.open.contains(inputs) && inputs.mayBeIn(record.value())) {
                batch = batch == null ? decode(pass, record) : batch;
                if (batch == null) {
                    return;
                }
                inputs.take(batch);
            }
        }
    }

    /** Null when the record cannot be read: whoever needs it misses its positions. */
    private ActivationBatch decode(Pass pass, ConsumerRecord<byte[], byte[]> record) throws InterruptedException {
        while (true) {
            try {
                return deserializer.deserialize(record.topic(), record.value());
            } catch (RecordFormatException e) {
                return null;
            } catch (RegistryUnavailableException e) {
                if (closed || pass.leftMillis() == 0) {
                    return null;
                }
                Thread.sleep(RETRY_MILLIS);
            }
        }
    }

    private static TopicPartition partition(WorkerId worker) {
        return new TopicPartition(Topics.activations(worker).name(), 0);
    }
}
