package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.routing.KvReservation;
import io.sluice.runtime.ElasticStageRunner;
import io.sluice.runtime.HeldLayers;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ReadyLayers;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * A runner whose arithmetic is exact and depends on everything before: each layer's output at a position is {@code
 * (input + sum of the inputs so far + layer) mod 61}, the sum being its "KV cache". Checks positions as a real one.
 */
final class FakeStageRunner implements ElasticStageRunner {
    static final int VOCAB = 61;
    static final int HIDDEN = 8;
    static final int LAYERS = 6;
    static final int CONTEXT = 512;
    /** Parts of the head. */
    static final int HEAD_PARTS = 3;

    final List<List<StageInput>> batches = new ArrayList<>();
    /** The inputs of batches that ran a few layers at a time, of those that have ended. */
    final List<List<StageInput>> resumed = new ArrayList<>();

    final List<FakeSlot> live = new ArrayList<>();
    /** Told of the layers that a batch is about to have run, for example to let time pass. */
    IntConsumer onLayers = layers -> {};

    /** Told of the parts of the head that a batch has had run, where it runs a few at a time. */
    IntConsumer onHead = parts -> {};

    /** Told of every layer that is about to run on a side lane. */
    Runnable onBeside = () -> {};

    /** Told of every batch that runs a few layers at a time. */
    Consumer<List<StageInput>> onBegun = batch -> {};

    /** The batch whose layers {@link #onLayers} is told of, where it runs a few at a time. */
    List<StageInput> atWork = List.of();

    final List<FakeRun> underWay = new ArrayList<>();
    /** When set, a batch with this token or hidden value fails as a whole. */
    Float poison;

    /** Layers loaded and not closed, adopted or not. */
    HeldLayers inMemory;
    /** When set, loading fails for this reason. */
    String loadFailure;

    private final long budgetLayerTokens;
    private HeldLayers held;
    private Optional<LayerRange> served;

    /** @param capacityTokens KV cache over {@code layers} */
    FakeStageRunner(LayerRange layers, long capacityTokens) {
        this(Optional.of(layers), capacityTokens * layers.size());
    }

    /** @param budgetLayerTokens KV cache in tokens over one layer */
    FakeStageRunner(Optional<LayerRange> layers, long budgetLayerTokens) {
        served = layers;
        held = layers.map(HeldLayers::of).orElse(HeldLayers.NONE);
        inMemory = held;
        this.budgetLayerTokens = budgetLayerTokens;
    }

    static ModelConfig config() {
        return new ModelConfig(
                "fake",
                "LlamaForCausalLM",
                LAYERS,
                HIDDEN,
                16,
                2,
                1,
                4,
                VOCAB,
                CONTEXT,
                1e-5f,
                10_000,
                true,
                -1,
                List.of(0));
    }

    /** What one process says: the tokens that follow a prompt. */
    static List<Integer> expected(List<Integer> prompt, int count) {
        int[] sums = new int[LAYERS];
        List<Integer> generated = new ArrayList<>();
        int out = 0;
        for (int token : prompt) {
            out = through(sums, token, 0, LAYERS);
        }
        while (generated.size() < count) {
            generated.add(out);
            out = through(sums, out, 0, LAYERS);
        }
        return generated;
    }

    private static int through(int[] sums, int value, int from, int to) {
        int current = value;
        for (int layer = from; layer < to; layer++) {
            sums[layer] = (sums[layer] + current) % VOCAB;
            current = (current + sums[layer] + layer) % VOCAB;
        }
        return current;
    }

    @Override
    public ModelConfig model() {
        return config();
    }

    @Override
    public Optional<LayerRange> served() {
        return served;
    }

    @Override
    public HeldLayers held() {
        return held;
    }

    @Override
    public long kvCapacityTokens(LayerRange layers) {
        return budgetLayerTokens / layers.size();
    }

    @Override
    public long kvReservedTokens() {
        return Math.ceilDiv(reserved(), served.orElse(ONE_LAYER).size());
    }

    private long reserved() {
        return live.stream()
                .mapToLong(slot -> (long) slot.capacityTokens() * slot.layers.size())
                .sum();
    }

    @Override
    public ReadyLayers load(HeldLayers layers) {
        if (loadFailure != null) {
            throw new IllegalStateException(loadFailure);
        }
        assertThat(inMemory.minus(layers)).as("nothing is loaded twice").isEqualTo(inMemory);
        inMemory = inMemory.plus(layers);
        return new Ready(layers);
    }

    @Override
    public void adopt(ReadyLayers layers) {
        Ready ready = (Ready) layers;
        held = held.plus(ready.layers);
        ready.layers = HeldLayers.NONE;
    }

    @Override
    public void serve(Optional<LayerRange> layers) {
        layers.ifPresent(range -> assertThat(held.contains(range)).isTrue());
        served = layers;
    }

    @Override
    public Optional<ReadyLayers> retire(HeldLayers keep) {
        HeldLayers gone = held.minus(keep)
                .minus(served.map(HeldLayers::of).orElse(HeldLayers.NONE))
                .minus(HeldLayers.of(live.stream().map(FakeSlot::layers).toList()));
        held = held.minus(gone);
        return gone.isEmpty() ? Optional.empty() : Optional.of(new Ready(gone));
    }

    @Override
    public Optional<KvSlot> reserve(int tokens, LayerRange layers) {
        if (!held.contains(layers)) {
            throw new IllegalArgumentException("layers " + layers + " are not held");
        }
        if (tokens > CONTEXT) {
            throw new IllegalArgumentException("a sequence of " + tokens + " tokens is longer than the context");
        }
        int rounded = KvReservation.roundUp(tokens);
        if (reserved() + (long) rounded * layers.size() > budgetLayerTokens) {
            return Optional.empty();
        }
        FakeSlot slot = new FakeSlot(layers, rounded);
        live.add(slot);
        return Optional.of(slot);
    }

    @Override
    public void release(KvSlot slot) {
        if (!live.remove((FakeSlot) slot)) {
            throw new IllegalStateException("slot released twice");
        }
    }

    @Override
    public void truncate(KvSlot slot, int length) {
        ((FakeSlot) slot).truncate(length);
    }

    @Override
    public List<StageOutput> run(List<StageInput> batch) {
        batch.forEach(this::require);
        batch.forEach(this::requireHealthy);
        batches.add(batch);
        onLayers.accept(batch.getFirst().slot().layers().size());
        return batch.stream().map(this::run).toList();
    }

    @Override
    public StageRun begin(List<StageInput> batch) {
        batch.forEach(this::require);
        FakeRun run = new FakeRun(this, batch);
        underWay.add(run);
        onBegun.accept(batch);
        return run;
    }

    /** Inputs of batches under way. */
    int underWay() {
        return underWay.stream().mapToInt(run -> run.batch().size()).sum();
    }

    private void require(StageInput input) {
        FakeSlot slot = (FakeSlot) input.slot();
        assertThat(held.contains(slot.layers)).isTrue();
        assertThat(underWay.stream().anyMatch(run -> run.counts(slot)))
                .as("a session is in two batches at once")
                .isFalse();
        if (!live.contains(slot) || slot.length != input.position()) {
            throw new IllegalArgumentException(
                    "position " + input.position() + " of a slot with " + slot.length + " positions");
        }
    }

    void requireHealthy(StageInput input) {
        FloatBuffer hidden = input.hidden();
        float first = input.tokenIds() != null ? input.tokenIds()[0] : hidden.get(hidden.position());
        if (poison != null && poison == first) {
            throw new IllegalArgumentException("poisoned input " + first);
        }
    }

    StageOutput run(StageInput input) {
        FakeSlot slot = (FakeSlot) input.slot();
        FloatBuffer hidden = FloatBuffer.allocate(input.count() * HIDDEN);
        int out = 0;
        for (int i = 0; i < input.count(); i++) {
            int in = input.tokenIds() != null
                    ? input.tokenIds()[i]
                    : Math.round(input.hidden().get(input.hidden().position() + i * HIDDEN));
            slot.history.add(slot.sums.clone());
            out = through(slot.sums, in, input.enterLayer(), slot.layers.end());
            for (int j = 0; j < HIDDEN; j++) {
                hidden.put(out);
            }
        }
        slot.length += input.count();
        if (slot.layers.end() < LAYERS) {
            return new StageOutput(hidden.flip(), null);
        }
        if (!input.needLogits()) {
            return new StageOutput(null, null);
        }
        FloatBuffer logits = FloatBuffer.allocate(VOCAB);
        logits.put(out, 10f);
        return new StageOutput(null, logits);
    }

    @Override
    public void close() {}

    private final class Ready implements ReadyLayers {
        private HeldLayers layers;

        Ready(HeldLayers layers) {
            this.layers = layers;
        }

        @Override
        public HeldLayers layers() {
            return layers;
        }

        @Override
        public void close() {
            inMemory = inMemory.minus(layers);
            layers = HeldLayers.NONE;
        }
    }
}
