package io.sluice.worker.device;

import io.sluice.core.LayerRange;

/**
 * How much one batch computes in each layer, because sessions may enter and leave at different layers. Not
 * thread-safe.
 */
public final class BatchShape {
    private final int firstLayer;
    private final int[] promptTokens;
    private final int[] decodeTokens;

    /** An empty batch over the layers {@code [firstLayer, firstLayer + layerCount)}. */
    public BatchShape(int firstLayer, int layerCount) {
        this.firstLayer = firstLayer;
        this.promptTokens = new int[layerCount];
        this.decodeTokens = new int[layerCount];
    }

    /** A batch whose chunks all run through every layer. */
    public static BatchShape of(int layerCount, int promptTokens, int decodeTokens) {
        LayerRange all = new LayerRange(0, layerCount);
        BatchShape shape = new BatchShape(0, layerCount);
        shape.addPrompt(all, promptTokens);
        shape.addDecode(all, decodeTokens);
        return shape;
    }

    /** Adds prompt positions that run these layers, which are within the batch's. */
    public void addPrompt(LayerRange layers, int tokens) {
        add(promptTokens, layers, tokens);
    }

    /** Adds decode positions that run these layers, which are within the batch's. */
    public void addDecode(LayerRange layers, int tokens) {
        add(decodeTokens, layers, tokens);
    }

    public int layerCount() {
        return promptTokens.length;
    }

    /** Prompt positions computed in the {@code index}-th layer. */
    public int promptTokens(int index) {
        return promptTokens[index];
    }

    /** Decode positions computed in the {@code index}-th layer. */
    public int decodeTokens(int index) {
        return decodeTokens[index];
    }

    private void add(int[] tokensByLayer, LayerRange layers, int tokens) {
        for (int layer = layers.first(); layer < layers.end(); layer++) {
            tokensByLayer[layer - firstLayer] += tokens;
        }
    }
}
