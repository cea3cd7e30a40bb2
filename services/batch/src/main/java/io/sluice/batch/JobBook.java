package io.sluice.batch;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The jobs: in the stores what must survive (a head per job, a byte per item, the line of each item without a result), in
 * memory what is asked for every decision. A job that is over keeps its head only, the newest {@value #ENDED_MAX} of them,
 * so that its id stays taken and what comes late is known for that. Used by one task.
 */
final class JobBook {
    /** Jobs that are over and remembered. */
    static final int ENDED_MAX = 10_000;

    private static final char SEPARATOR = '|';

    private final KeyValueStore<String, byte[]> heads;
    private final KeyValueStore<String, byte[]> items;
    private final KeyValueStore<String, byte[]> lines;
    private final Map<String, Job> jobs = new LinkedHashMap<>();
    private final Deque<String> ended = new ArrayDeque<>();
    private long nextOrder;
    private long bytes;

    JobBook(
            KeyValueStore<String, byte[]> heads,
            KeyValueStore<String, byte[]> items,
            KeyValueStore<String, byte[]> lines) {
        this.heads = heads;
        this.items = items;
        this.lines = lines;
    }

    /** Rebuilds memory from the stores. */
    void restore() {
        List<Job> found = new ArrayList<>();
        each(heads, (key, value) -> found.add(JobCodec.decode(value)));
        found.sort(Comparator.comparingLong(job -> job.head().order()));
        found.forEach(job -> jobs.put(job.id(), job));
        each(items, (key, value) -> {
            int separator = key.lastIndexOf(SEPARATOR);
            jobs.get(key.substring(0, separator))
                    .set(Integer.parseInt(key.substring(separator + 1), 16), ItemState.of(value[0]));
        });
        each(lines, (key, value) -> bytes += value.length);
        nextOrder = found.isEmpty() ? 0 : found.getLast().head().order() + 1;
        found.stream()
                .filter(job -> job.phase().isOver())
                .sorted(Comparator.comparingLong(Job::changedMs))
                .forEach(job -> ended.add(job.id()));
    }

    private interface Entry {
        void take(String key, byte[] value);
    }

    private static void each(KeyValueStore<String, byte[]> store, Entry entry) {
        try (KeyValueIterator<String, byte[]> all = store.all()) {
            while (all.hasNext()) {
                KeyValue<String, byte[]> next = all.next();
                entry.take(next.key, next.value);
            }
        }
    }

    /** All jobs that are known, in the order in which they came. */
    Collection<Job> all() {
        return jobs.values();
    }

    Optional<Job> find(String id) {
        return Optional.ofNullable(jobs.get(id));
    }

    /** Jobs that have not ended. */
    int open() {
        return jobs.size() - ended.size();
    }

    /** Bytes of all lines that are kept. */
    long bytes() {
        return bytes;
    }

    /** Place of the next job among all. */
    long nextOrder() {
        return nextOrder;
    }

    /** Keeps a job, new or in another phase. */
    void put(Job job) {
        jobs.put(job.id(), job);
        nextOrder = Math.max(nextOrder, job.head().order() + 1);
        heads.put(job.id(), JobCodec.encode(job));
    }

    /** An item is there, with its line. */
    void add(Job job, int index, String line) {
        byte[] utf8 = line.getBytes(StandardCharsets.UTF_8);
        bytes += utf8.length;
        lines.put(key(job, index), utf8);
        state(job, index, ItemState.WAITING);
    }

    /** An item stands elsewhere now; one that is over loses its line. */
    void state(Job job, int index, ItemState state) {
        job.set(index, state);
        items.put(key(job, index), new byte[] {state.code()});
        if (state.isOver()) {
            dropLine(key(job, index));
        }
    }

    private void dropLine(String key) {
        byte[] line = lines.delete(key);
        bytes -= line == null ? 0 : line.length;
    }

    /** The line of an item that has no result. */
    String line(Job job, int index) {
        return new String(lines.get(key(job, index)), StandardCharsets.UTF_8);
    }

    /** A job is over: its items are forgotten, and of the jobs that are over perhaps the oldest one. */
    void end(Job job, JobPhase phase, long nowMs) {
        for (int index = 0; index < job.head().items(); index++) {
            if (job.state(index) != ItemState.ABSENT) {
                items.delete(key(job, index));
                dropLine(key(job, index));
            }
        }
        put(new Job(job.head(), phase, nowMs, job.done(), job.failed()));
        ended.add(job.id());
        while (ended.size() > ENDED_MAX) {
            String oldest = ended.removeFirst();
            jobs.remove(oldest);
            heads.delete(oldest);
        }
    }

    /** The separator is no character of a job id, and fixed-width digits sort like the numbers. */
    private static String key(Job job, int index) {
        return job.id() + SEPARATOR + String.format("%08x", index);
    }
}
