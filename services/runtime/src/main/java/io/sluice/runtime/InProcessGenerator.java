package io.sluice.runtime;

import io.sluice.core.LayerRange;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.runtime.onnx.OnnxStageRunner;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Generates text ids with all stages in this process, one after the other: the reference that a distributed pipeline
 * must repeat token by token, and the baseline of the benches. Not thread-safe.
 */
public final class InProcessGenerator implements AutoCloseable {
    private final List<StageRunner> stages;
    private final ModelConfig config;

    /**
     * One text to generate.
     *
     * @param promptIds at least one token
     * @param maxTokens most tokens to generate
     * @param stopAtEnd whether an end-of-sequence token, which is still returned, ends the text early
     */
    public record Request(int[] promptIds, int maxTokens, SamplingParams sampling, boolean stopAtEnd) {
        public Request {
            if (promptIds.length == 0 || maxTokens < 1) {
                throw new IllegalArgumentException("a request needs a prompt token and at least 1 token to generate,"
                        + " not "
                        + promptIds.length + " and " + maxTokens);
            }
        }
    }

    /**
     * Over runners that cover all layers in order; closing the generator closes them.
     *
     * @throws IllegalArgumentException when the runners leave a gap or overlap
     */
    public InProcessGenerator(List<StageRunner> stages) {
        this.stages = List.copyOf(stages);
        int next = 0;
        for (StageRunner stage : this.stages) {
            if (stage.layers().first() != next) {
                throw new IllegalArgumentException("stages must cover every layer once, in order: layer " + next
                        + " is followed by " + stage.layers());
            }
            next = stage.layers().end();
        }
        if (stages.isEmpty() || next != stages.getFirst().model().layerCount()) {
            throw new IllegalArgumentException("stages end before layer " + next + " of the model");
        }
        config = stages.getFirst().model();
    }

    /** Opens one ONNX runner per layer range; the KV budget is each runner's. */
    public static InProcessGenerator open(ModelWeights weights, List<LayerRange> ranges, RuntimeOptions options) {
        List<StageRunner> stages = new ArrayList<>();
        try {
            for (LayerRange range : ranges) {
                stages.add(OnnxStageRunner.open(weights, range, options));
            }
            return new InProcessGenerator(stages);
        } catch (RuntimeException e) {
            stages.forEach(StageRunner::close);
            throw e;
        }
    }

    /** As {@link #open(ModelWeights, List, RuntimeOptions)}, all layers in one runner. */
    public static InProcessGenerator open(ModelWeights weights, RuntimeOptions options) {
        return open(weights, List.of(new LayerRange(0, weights.config().layerCount())), options);
    }

    /** Generates exactly {@code maxTokens} ids, end tokens or not. Errors as {@link #generateAll}. */
    public int[] generate(int[] promptIds, int maxTokens, SamplingParams sampling, int prefillChunk) {
        return generateAll(List.of(new Request(promptIds, maxTokens, sampling, false)), prefillChunk)
                .getFirst();
    }

    /**
     * Generates all requests together: prompts one after the other in chunks, then every step as one batch.
     *
     * @param prefillChunk most positions per prefill chunk, see {@link PromptChunks}
     * @return generated ids per request, same order
     * @throws IllegalArgumentException when a request is longer than the model's context
     * @throws IllegalStateException when the KV cache has no room for all requests at once
     */
    public List<int[]> generateAll(List<Request> requests, int prefillChunk) {
        List<Sequence> sequences = new ArrayList<>();
        try {
            for (Request request : requests) {
                sequences.add(start(request));
            }
            for (Sequence sequence : sequences) {
                prefill(sequence, prefillChunk);
            }
            List<Sequence> running = new ArrayList<>(sequences);
            running.removeIf(Sequence::finished);
            while (!running.isEmpty()) {
                step(running);
                running.removeIf(Sequence::finished);
            }
        } finally {
            sequences.forEach(this::release);
        }
        return sequences.stream().map(Sequence::ids).toList();
    }

    @Override
    public void close() {
        stages.forEach(StageRunner::close);
    }

    private Sequence start(Request request) {
        // The token sampled last is never run, so it needs no position.
        int positions = Math.addExact(request.promptIds().length, request.maxTokens() - 1);
        Sequence sequence = new Sequence(request, new ArrayList<>());
        for (StageRunner stage : stages) {
            var slot = stage.reserve(positions);
            if (slot.isEmpty()) {
                release(sequence);
                throw new IllegalStateException("no room in the KV cache for " + positions + " positions: "
                        + stage.kvReservedTokens() + " of " + stage.kvCapacityTokens() + " tokens are reserved");
            }
            sequence.slots.add(slot.get());
        }
        return sequence;
    }

    private void release(Sequence sequence) {
        for (int i = 0; i < sequence.slots.size(); i++) {
            stages.get(i).release(sequence.slots.get(i));
        }
        sequence.slots.clear();
    }

    private void prefill(Sequence sequence, int prefillChunk) {
        int[] prompt = sequence.request.promptIds();
        int position = 0;
        for (int size : PromptChunks.split(prompt.length, prefillChunk)) {
            int[] ids = Arrays.copyOfRange(prompt, position, position + size);
            boolean last = position + size == prompt.length;
            List<FloatBuffer> logits = run(List.of(sequence), List.of(ids), last);
            position += size;
            if (last) {
                sequence.sample(logits.getFirst());
            }
        }
    }

    private void step(List<Sequence> running) {
        List<FloatBuffer> logits =
                run(running, running.stream().map(s -> new int[] {s.lastId()}).toList(), true);
        for (int i = 0; i < running.size(); i++) {
            running.get(i).sample(logits.get(i));
        }
    }

    /** Runs the same positions through all stages; returns the logits, or nulls when they are not asked for. */
    private List<FloatBuffer> run(List<Sequence> sequences, List<int[]> ids, boolean needLogits) {
        List<StageOutput> outputs = null;
        for (int s = 0; s < stages.size(); s++) {
            StageRunner stage = stages.get(s);
            List<StageInput> batch = new ArrayList<>(sequences.size());
            for (int i = 0; i < sequences.size(); i++) {
                KvSlot slot = sequences.get(i).slots.get(s);
                batch.add(new StageInput(
                        slot,
                        slot.length(),
                        ids.get(i).length,
                        s == 0 ? ids.get(i) : null,
                        s == 0 ? null : outputs.get(i).hidden(),
                        stage.layers().first(),
                        needLogits && s == stages.size() - 1));
            }
            outputs = stage.run(batch);
        }
        List<FloatBuffer> logits = new ArrayList<>(sequences.size());
        outputs.forEach(output -> logits.add(output.logits()));
        return logits;
    }

    private final class Sequence {
        private final Request request;
        private final List<KvSlot> slots;
        private final int[] generated;
        private int count;

        Sequence(Request request, List<KvSlot> slots) {
            this.request = request;
            this.slots = slots;
            generated = new int[request.maxTokens()];
        }

        void sample(FloatBuffer logits) {
            generated[count] = Sampler.sample(logits, request.sampling(), (long) request.promptIds().length + count);
            count++;
        }

        int lastId() {
            return generated[count - 1];
        }

        boolean finished() {
            return count == generated.length
                    || count > 0 && request.stopAtEnd() && config.eosTokenIds().contains(lastId());
        }

        int[] ids() {
            return Arrays.copyOf(generated, count);
        }
    }
}
