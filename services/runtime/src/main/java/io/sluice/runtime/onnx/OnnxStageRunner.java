package io.sluice.runtime.onnx;

import io.sluice.core.LayerRange;
import io.sluice.runtime.ElasticStageRunner;
import io.sluice.runtime.HeldLayers;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.ReadyLayers;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.StageRunner;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@link StageRunner} on ONNX Runtime's CPU kernels, fp32. Two sessions per layer; keys and values are written in
 * place by GroupQueryAttention. The kernels compute every row of a batch in the same order whatever stands beside it,
 * so batching changes no bit; running one position at a time differs from running several at once in the last bits, so
 * prompts must be cut into the same kind of chunks ({@link io.sluice.runtime.PromptChunks}) to be reproducible, and
 * what was decoded is computed again as steps ({@link StageInput#asSteps}). A batch that was begun takes rows, KV cache
 * and layers anew whenever it advances, so whatever came between changes no bit either.
 *
 * <p>With {@link RuntimeOptions#lanes} there is a second set of sessions that compute on the thread that calls them, for
 * batches beside others ({@link StageRun#advanceBeside}). ONNX Runtime packs matrices for each session, and its Java
 * interface cannot share what is packed, so the weights of layers and head are in memory twice, however many lanes there are.
 *
 * <p>Layers come and go while sessions run. Not thread-safe, but for {@link #load}. The weights must stay open while
 * the runner lives: it looks embeddings up in them.
 */
public final class OnnxStageRunner implements ElasticStageRunner {
    private static final Logger log = LoggerFactory.getLogger(OnnxStageRunner.class);

    private final ModelWeights weights;
    private final ModelConfig config;
    private final OnnxEngine engine;
    private final KvCache cache;
    private final StageBatchCheck check;
    /** Of batches that run at once. */
    private final BatchOutputs results;

    private final RopeTables rope;
    private final LayerSet layers;
    private final BatchWork work;
    /** For batches that run beside others, with layers of their own, and buffers of its own each. */
    private final List<BatchWork> lanes;
    /**
     * Read: while a slot that may be in a batch beside others is used, layer by layer. Write: while slots or layers change.
     * Fair, so that who goes on from layer to layer lets others in between.
     */
    private final ReadWriteLock structure = new ReentrantReadWriteLock(true);

    private HeldLayers held = HeldLayers.NONE;
    private Optional<LayerRange> served = Optional.empty();
    private volatile boolean closed;

    private OnnxStageRunner(ModelWeights weights, RuntimeOptions options) {
        this.weights = weights;
        this.config = weights.config();
        engine = OnnxEngine.get(options.threads(), options.spinning());
        cache = new KvCache(engine, config, options.kvBudgetBytes(), options.lanes());
        cache.require(ONE_LAYER);
        check = new StageBatchCheck(config, cache);
        rope = new RopeTables(engine, config, cache.positionsMax());
        results = new BatchOutputs(config);
        layers = new LayerSet(rope, config.layerCount(), options.lanes() > 0);
        work = new BatchWork(engine, weights, layers, rope, 0);
        lanes = IntStream.rangeClosed(1, options.lanes())
                .mapToObj(lane -> new BatchWork(engine.onCallersThread(), weights, layers.beside(), rope, lane))
                .toList();
    }

    /**
     * A runner without layers.
     *
     * @throws IllegalArgumentException when the KV budget is too small for a single layer
     */
    public static OnnxStageRunner empty(ModelWeights weights, RuntimeOptions options) {
        return new OnnxStageRunner(weights, options);
    }

    /**
     * Loads and serves the layers; about as much memory as their weights in fp32 is used, and of the head's when the
     * last layer is among them; twice that with lanes.
     *
     * @throws io.sluice.runtime.ModelFormatException when tensors are missing or have the wrong shape
     * @throws IllegalArgumentException when the model has no such layers or the KV budget is too small
     */
    public static OnnxStageRunner open(ModelWeights weights, LayerRange layers, RuntimeOptions options) {
        OnnxStageRunner runner = empty(weights, options);
        try {
            runner.requireServable(layers);
            runner.adopt(runner.load(HeldLayers.of(layers)));
            runner.serve(Optional.of(layers));
            return runner;
        } catch (RuntimeException | Error e) {
            runner.close();
            throw e;
        }
    }

    @Override
    public ModelConfig model() {
        return config;
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
    public long kvCapacityTokens(LayerRange range) {
        return cache.capacityTokens(range);
    }

    @Override
    public long kvReservedTokens() {
        return cache.reservedTokens(served.orElse(ONE_LAYER));
    }

    /** Bytes of KV cache allocated now, free slots included; at most the budget. */
    public long kvAllocatedBytes() {
        return cache.allocatedBytes();
    }

    @Override
    public ReadyLayers load(HeldLayers wanted) {
        requireOpen();
        wanted.ranges().forEach(this::requireExists);
        long start = System.nanoTime();
        LayerSet loaded = LayerSet.load(engine, weights, rope, wanted, !lanes.isEmpty());
        log.info(
                "event=layers_loaded model={} layers=\"{}\" unpacked_weight_bytes={} millis={}",
                config.name(),
                wanted,
                loaded.keptBytes(),
                (System.nanoTime() - start) / 1_000_000);
        return loaded;
    }

    @Override
    public void adopt(ReadyLayers ready) {
        requireOpen();
        if (!(ready instanceof LayerSet set)) {
            throw new IllegalArgumentException("layers " + ready.layers() + " were loaded by another kind of runner");
        }
        locked(() -> {
            layers.takeAll(set);
            held = layers.layers();
            return held;
        });
    }

    @Override
    public void serve(Optional<LayerRange> range) {
        requireOpen();
        range.ifPresent(wanted -> {
            requireServable(wanted);
            requireHeld(wanted);
        });
        served = range;
    }

    @Override
    public Optional<ReadyLayers> retire(HeldLayers keep) {
        requireOpen();
        return locked(() -> retireNow(keep));
    }

    private Optional<ReadyLayers> retireNow(HeldLayers keep) {
        HeldLayers needed = keep.plus(cache.inUse());
        if (served.isPresent()) {
            needed = needed.plus(HeldLayers.of(served.get()));
        }
        HeldLayers gone = held.minus(needed);
        held = held.minus(gone);
        cache.keepOnly(held);
        if (gone.isEmpty()) {
            return Optional.empty();
        }
        log.info("event=layers_retired model={} layers=\"{}\" held=\"{}\"", config.name(), gone, held);
        return Optional.of(layers.remove(gone));
    }

    @Override
    public Optional<KvSlot> reserve(int tokens, LayerRange range) {
        requireOpen();
        requireHeld(range);
        return locked(() -> cache.reserve(tokens, range, false).map(slot -> slot));
    }

    @Override
    public int lanes() {
        return lanes.size();
    }

    @Override
    public Optional<KvSlot> reserveBestEffort(int tokens, LayerRange range) {
        requireOpen();
        requireHeld(range);
        return locked(() -> cache.reserve(tokens, range, true).map(slot -> slot));
    }

    @Override
    public void release(KvSlot slot) {
        requireOpen();
        locked(() -> {
            cache.release(check.ours(slot));
            return null;
        });
    }

    @Override
    public void truncate(KvSlot slot, int length) {
        requireOpen();
        locked(() -> {
            check.ours(slot).truncate(length);
            return null;
        });
    }

    @Override
    public List<StageOutput> run(List<StageInput> batch) {
        requireOpen();
        check.require(batch);
        BatchRun run = new BatchRun(work, lanes, structure, batch, results);
        run.advance(config.layerCount());
        return run.finish();
    }

    @Override
    public StageRun begin(List<StageInput> batch) {
        requireOpen();
        return locked(() -> {
            check.require(batch);
            return new BatchRun(work, lanes, structure, List.copyOf(batch), new BatchOutputs(config));
        });
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        locked(() -> {
            layers.free();
            held = HeldLayers.NONE;
            work.close();
            lanes.forEach(BatchWork::close);
            rope.close();
            cache.close();
            return null;
        });
    }

    private <T> T locked(Supplier<T> change) {
        structure.writeLock().lock();
        try {
            return change.get();
        } finally {
            structure.writeLock().unlock();
        }
    }

    private void requireExists(LayerRange range) {
        if (range.end() > config.layerCount()) {
            throw new IllegalArgumentException("layers " + range + " are outside the " + config.layerCount()
                    + " layers of model " + config.name());
        }
    }

    private void requireServable(LayerRange range) {
        requireExists(range);
        cache.require(range);
    }

    private void requireHeld(LayerRange range) {
        if (!held.contains(range)) {
            throw new IllegalArgumentException("layers " + range + " are not held here: held are " + held);
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the runner of model " + config.name() + " is closed");
        }
    }
}
