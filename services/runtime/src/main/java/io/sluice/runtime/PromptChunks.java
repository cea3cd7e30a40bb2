package io.sluice.runtime;

import java.util.ArrayList;
import java.util.List;

/**
 * How a prompt is cut into prefill chunks. Kernels for a single position add in another order than kernels for several,
 * so no chunk of a longer prompt has just one: the one before the last gives it a second. Then the result has the same
 * bits for every chunk size.
 */
public final class PromptChunks {
    /** Smallest chunk size that can be asked for. */
    public static final int MIN_CHUNK = 3;

    private PromptChunks() {}

    /**
     * Sizes of the chunks, in order; their sum is {@code tokens}.
     *
     * @param chunk most positions of a chunk, at least {@link #MIN_CHUNK}
     */
    public static List<Integer> split(int tokens, int chunk) {
        if (tokens < 1 || chunk < MIN_CHUNK) {
            throw new IllegalArgumentException("a prompt of " + tokens + " tokens cannot be cut into chunks of " + chunk
                    + ": there must be at least 1 token and " + MIN_CHUNK + " positions in a chunk");
        }
        List<Integer> sizes = new ArrayList<>();
        int left = tokens;
        while (left > 0) {
            int size = Math.min(chunk, left);
            if (left - size == 1) {
                size--;
            }
            sizes.add(size);
            left -= size;
        }
        return sizes;
    }
}
