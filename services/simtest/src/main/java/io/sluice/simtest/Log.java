package io.sluice.simtest;

import java.util.ArrayList;
import java.util.List;

/**
 * One partition of a topic: records with offsets, and the brokers that hold it. A record is shown to readers once the
 * followers have it, so that a change of leader loses only what nobody has read; a broker without followers that loses
 * power loses more. What is lost gives its offsets back. Null records are markers of transactions.
 */
final class Log<R> {
    private static final long REPLICATION_MICROS = 1_500;

    final String name;
    private final World world;
    /** Whether writers wait for the followers, so that nothing that was written is ever lost. */
    final boolean durable;
    /** Where readers go on whose position does not exist. */
    private final List<Reader<R>> readers = new ArrayList<>();

    private final List<R> records = new ArrayList<>();
    private final List<Long> visibleMicros = new ArrayList<>();
    private long start;
    private long unavailableUntilMicros;
    private long slowUntilMicros;
    /** Offsets below this have been truncated or lost at some time; for the judge. */
    private long damagedBelow;

    Log(World world, String name, boolean durable) {
        this.world = world;
        this.name = name;
        this.durable = durable;
    }

    void subscribe(Reader<R> reader) {
        readers.add(reader);
    }

    void unsubscribe(Reader<R> reader) {
        readers.remove(reader);
    }

    long start() {
        return start;
    }

    long end() {
        return start + records.size();
    }

    R get(long offset) {
        return records.get((int) (offset - start));
    }

    /** When a reader may first see the record. */
    long visibleMicros(long offset) {
        return visibleMicros.get((int) (offset - start));
    }

    /** End of what readers may see now. */
    long visibleEnd() {
        long end = end();
        while (end > start && visibleMicros(end - 1) > world.nowMicros()) {
            end--;
        }
        return end;
    }

    boolean isAvailable() {
        return world.nowMicros() >= unavailableUntilMicros;
    }

    long unavailableUntilMicros() {
        return unavailableUntilMicros;
    }

    /** Adds at the end; returns the offset. */
    long append(R record) {
        long offset = end();
        long disk = world.nowMicros() < slowUntilMicros ? world.disk().nextLong(20_000, 400_000) : 50;
        long lag = durable ? REPLICATION_MICROS : world.disk().nextLong(200, 2 * REPLICATION_MICROS);
        long visible = world.nowMicros() + disk + lag;
        if (!visibleMicros.isEmpty()) {
            visible = Math.max(visible, visibleMicros.getLast());
        }
        records.add(record);
        visibleMicros.add(visible);
        world.fold(name.hashCode() * 31L + offset);
        for (Reader<R> reader : List.copyOf(readers)) {
            reader.wake();
        }
        return offset;
    }

    // Faults

    /** Retention takes what is older than {@code offset}. */
    void truncateBefore(long offset) {
        int count = (int) Math.clamp(offset - start, 0, records.size());
        records.subList(0, count).clear();
        visibleMicros.subList(0, count).clear();
        start += count;
        damagedBelow = Math.max(damagedBelow, start);
    }

    void slowFor(long micros) {
        slowUntilMicros = Math.max(slowUntilMicros, world.nowMicros() + micros);
    }

    /**
     * Another broker leads from now on, after a while without a leader.
     *
     * @return records lost: those that the followers had not got
     */
    int failOver(long micros) {
        unavailableUntilMicros = Math.max(unavailableUntilMicros, world.nowMicros() + micros);
        return durable ? 0 : loseFrom(visibleEnd());
    }

    /** The only broker loses power, and with it up to {@code most} records that readers may have seen. */
    int losePower(int most, long micros) {
        unavailableUntilMicros = Math.max(unavailableUntilMicros, world.nowMicros() + micros);
        return durable ? 0 : loseFrom(Math.max(start, end() - most));
    }

    private int loseFrom(long offset) {
        int keep = (int) (offset - start);
        int lost = records.size() - keep;
        if (lost > 0) {
            damagedBelow = Math.max(damagedBelow, end());
            records.subList(keep, records.size()).clear();
            visibleMicros.subList(keep, visibleMicros.size()).clear();
        }
        return lost;
    }

    /** Whether anything of the range was ever lost. */
    boolean isDamaged(long firstOffset) {
        return firstOffset < damagedBelow;
    }
}
