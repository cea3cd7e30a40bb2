package io.sluice.core.stage;

import io.sluice.core.SessionId;
import io.sluice.core.recovery.LogRange;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Picks the inputs of one session out of records of the log, whatever their order, and gives every position before the
 * start once. An attempt stands for the positions from its first one on until the next attempt goes on from there:
 * what an older one has computed beyond that never led to a token that counts. Offsets that were given once more, after
 * a broker lost what it had not copied, hold other chunks than the index says: those of other sessions, layers or newer
 * attempts are passed over, and a position that is then missing is missed. Not thread-safe.
 *
 * @param <T> chunks as the log holds them
 */
public final class LogPicker<T> {
    private final Want want;
    private final TreeMap<Integer, List<Entry<T>>> byAttempt = new TreeMap<>();

    /**
     * What to read.
     *
     * @param attempt that rebuilds
     * @param enterLayer layer at which the inputs enter
     * @param start the inputs of positions {@code [0, start)} are wanted
     * @param ranges where they are
     */
    public record Want(SessionId session, int attempt, int enterLayer, int start, List<LogRange> ranges) {
        public Want {
            Objects.requireNonNull(session, "session");
            ranges = List.copyOf(ranges);
            if (start < 1 || ranges.isEmpty()) {
                throw new IllegalArgumentException("session " + session + " is to be rebuilt up to position " + start
                        + " from " + ranges + ": there must be a position and a range");
            }
        }

        /**
         * Why the inputs cannot be read from a topic as it is now; empty: they can.
         *
         * @param begin first offset that there is
         * @param end after the last one
         */
        public static Optional<String> gone(LogRange range, String topic, long begin, long end) {
            return range.firstOffset() < begin || range.endOffset() > end
                    ? Optional.of(range + " is wanted, " + topic + " has [" + begin + ", " + end + ")")
                    : Optional.empty();
        }
    }

    private record Entry<T>(T chunk, int position, int end) {}

    /**
     * Part of a chunk.
     *
     * @param from first of its positions, counted from the chunk's first
     * @param to after the last one
     */
    public record Piece<T>(T chunk, int from, int to) {}

    public LogPicker(Want want) {
        this.want = Objects.requireNonNull(want, "want");
    }

    /** Takes a chunk with inputs if it is of use. */
    public void take(T chunk, SessionId session, int attempt, int enterLayer, int position, int count) {
        if (session.equals(want.session())
                && enterLayer == want.enterLayer()
                && attempt < want.attempt()
                && count >= 1
                && position >= 0
                && position < want.start()) {
            byAttempt
                    .computeIfAbsent(attempt, key -> new ArrayList<>())
                    .add(new Entry<>(chunk, position, position + count));
        }
    }

    /** The inputs found, in order, each position once; they end early where one is missing. */
    public List<Piece<T>> inOrder() {
        List<Piece<T>> pieces = new ArrayList<>();
        int next = 0;
        for (Map.Entry<Integer, List<Entry<T>>> attempt : byAttempt.entrySet()) {
            int takenOver = byAttempt.tailMap(attempt.getKey(), false).values().stream()
                    .flatMap(List::stream)
                    .mapToInt(Entry::position)
                    .reduce(want.start(), Math::min);
            attempt.getValue().sort(Comparator.comparingInt(Entry::position));
            for (Entry<T> entry : attempt.getValue()) {
                int from = Math.max(next, entry.position());
                int to = Math.min(takenOver, entry.end());
                if (from < to && from == next) {
                    pieces.add(new Piece<>(entry.chunk(), from - entry.position(), to - entry.position()));
                    next = to;
                }
            }
        }
        return pieces;
    }

    /** The first position that these pieces lack; empty: none. */
    public Optional<Integer> missing(List<Piece<T>> pieces) {
        int found = pieces.stream().mapToInt(piece -> piece.to() - piece.from()).sum();
        return found < want.start() ? Optional.of(found) : Optional.empty();
    }

    /** A sentence about a missing position. */
    public String missed(int position) {
        return "position " + position + " of session " + want.session() + " is not in " + want.ranges()
                + ", which should hold all before " + want.start();
    }
}
