package io.sluice.worker.device;

/**
 * How much one batch computes in each layer held, because sessions may enter at different layers. Not thread-safe.
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
        BatchShape shape = new BatchShape(0, layerCount);
        shape.addPrompt(0, promptTokens);
        shape.addDecode(0, decodeTokens);
        return shape;
    }

    /** Adds prompt positions that enter at {@code enterLayer}. */
    public void addPrompt(int enterLayer, int tokens) {
        add(promptTokens, enterLayer, tokens);
    }

    /** Adds decode positions that enter at {@code enterLayer}. */
    public void addDecode(int enterLayer, int tokens) {
        add(decodeTokens, enterLayer, tokens);
    }

    public int layerCount() {
        return promptTokens.length;
    }

    /** Prompt positions computed in the {@code index}-th layer held. */
    public int promptTokens(int index) {
        return promptTokens[index];
    }

    /** Decode positions computed in the {@code index}-th layer held. */
    public int decodeTokens(int index) {
        return decodeTokens[index];
    }

    private void add(int[] tokensByLayer, int enterLayer, int tokens) {
        for (int index = enterLayer - firstLayer; index < tokensByLayer.length; index++) {
            tokensByLayer[index] += tokens;
        }
    }
}
