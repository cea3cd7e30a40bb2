package io.sluice.simtest;

/**
 * The KV cache of one session over a layer range: per layer a chain of hashes, one per position. It takes whatever
 * comes as its next position and does not ask whether it should: a mistake of the stage must show as a wrong token.
 */
final class KvCache {
    private final int firstLayer;
    private final int layers;
    private final int capacity;
    private long[] chains;
    private int room;
    private int length;

    KvCache(int firstLayer, int layers, int capacity) {
        this.firstLayer = firstLayer;
        this.layers = layers;
        this.capacity = capacity;
        this.room = Math.min(capacity, 32);
        this.chains = new long[layers * room];
    }

    int capacity() {
        return capacity;
    }

    int firstLayer() {
        return firstLayer;
    }

    int layers() {
        return layers;
    }

    /** Positions computed. */
    int length() {
        return length;
    }

    void truncate(int positions) {
        length = Math.min(length, positions);
    }

    /** Runs one position through the layers. */
    long append(long input) {
        if (length == room) {
            grow();
        }
        long hidden = input;
        for (int layer = 0; layer < layers; layer++) {
            int at = layer * room + length;
            long former = length == 0 ? firstLayer + layer + 1L : chains[at - 1];
            chains[at] = Arithmetic.mix(former, hidden);
            hidden = Arithmetic.mix(hidden, chains[at]);
        }
        length++;
        return hidden;
    }

    private void grow() {
        int wider = 2 * room;
        long[] copy = new long[layers * wider];
        for (int layer = 0; layer < layers; layer++) {
            System.arraycopy(chains, layer * room, copy, layer * wider, length);
        }
        chains = copy;
        room = wider;
    }
}
