package io.sluice.launcher.bench;

import java.util.stream.IntStream;

/** The batch that runs beside interactive requests: the same texts, whatever runs them. */
final class BatchShape {
    /** Texts at once. */
    static final int SESSIONS = 8;

    static final int PROMPT = 16;
    static final int TOKENS = 32;

    private BatchShape() {}

    /** Token ids of the {@code index}-th prompt. */
    static int[] prompt(int length, int index) {
        return IntStream.range(0, length).map(i -> 100 + (i + 7 * index) % 800).toArray();
    }
}
