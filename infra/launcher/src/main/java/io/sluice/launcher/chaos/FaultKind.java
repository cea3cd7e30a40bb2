package io.sluice.launcher.chaos;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** Kinds of faults, and how long each lasts. */
enum FaultKind {
    KILL(0, 0, 20_000),
    STOP(2_000, 8_000, 10_000),
    PARTITION(2_000, 8_000, 10_000),
    BROKER(1_000, 4_000, 10_000),
    REGISTRY(2_000, 8_000, 10_000),
    ROUTER(0, 3_000, 15_000),
    FLINK(0, 0, 15_000),
    DISK(2_000, 6_000, 10_000),
    BATCHER(0, 3_000, 15_000);

    private final int leastMs;
    private final int mostMs;
    private final int settleMs;

    FaultKind(int leastMs, int mostMs, int settleMs) {
        this.leastMs = leastMs;
        this.mostMs = mostMs;
        this.settleMs = settleMs;
    }

    /** Shortest time until it is healed, milliseconds. */
    int leastMs() {
        return leastMs;
    }

    /** Longest time until it is healed, milliseconds. */
    int mostMs() {
        return mostMs;
    }

    /** How long after it was healed its target counts as away, milliseconds. */
    int settleMs() {
        return settleMs;
    }

    /** Whether it takes a worker away. */
    boolean hitsWorker() {
        return this == KILL || this == STOP || this == PARTITION;
    }

    /** As users write it. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Reads {@code kill,stop}.
     *
     * @throws IllegalArgumentException when a word is none of these; names it and all that are
     */
    static Set<FaultKind> parse(String words) {
        EnumSet<FaultKind> kinds = EnumSet.noneOf(FaultKind.class);
        for (String word : words.split(",", -1)) {
            kinds.add(Arrays.stream(values())
                    .filter(kind -> kind.word().equals(word.strip()))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("--faults: '" + word.strip()
                            + "' is no kind of fault; give some of "
                            + Arrays.stream(values()).map(FaultKind::word).collect(Collectors.joining(",")))));
        }
        return kinds;
    }
}
