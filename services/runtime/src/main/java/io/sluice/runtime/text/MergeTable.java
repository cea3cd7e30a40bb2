package io.sluice.runtime.text;

import java.util.Arrays;

/**
 * The merges of a BPE vocabulary: pair of token ids to rank and merged token; an open-addressing table of primitives.
 */
final class MergeTable {
    private static final long EMPTY = -1;

    private final long[] pairs;
    private final int[] ranks;
    private final int[] merged;
    private final int mask;

    MergeTable(int merges) {
        int capacity = Integer.highestOneBit(Math.max(8, merges * 2)) << 1;
        pairs = new long[capacity];
        Arrays.fill(pairs, EMPTY);
        ranks = new int[capacity];
        merged = new int[capacity];
        mask = capacity - 1;
    }

    /** Adds a merge; the first of equal pairs stays, as it has the lower rank. */
    void add(int left, int right, int rank, int result) {
        int slot = slot(left, right);
        if (pairs[slot] == EMPTY) {
            pairs[slot] = key(left, right);
            ranks[slot] = rank;
            merged[slot] = result;
        }
    }

    /** Where the pair is, or a negative number. */
    int find(int left, int right) {
        int slot = slot(left, right);
        return pairs[slot] == EMPTY ? -1 : slot;
    }

    int rankAt(int slot) {
        return ranks[slot];
    }

    int mergedAt(int slot) {
        return merged[slot];
    }

    private int slot(int left, int right) {
        long key = key(left, right);
        long mixed = key * 0x9E3779B97F4A7C15L;
        int slot = (int) (mixed >>> 32) & mask;
        while (pairs[slot] != EMPTY && pairs[slot] != key) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private static long key(int left, int right) {
        return (long) left << 32 | right;
    }
}
