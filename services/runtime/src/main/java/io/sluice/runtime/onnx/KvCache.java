package io.sluice.runtime.onnx;

import io.sluice.core.LayerRange;
import io.sluice.core.routing.KvReservation;
import io.sluice.runtime.HeldLayers;
import io.sluice.runtime.ModelConfig;
import java.util.Comparator;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The KV cache of one runner: a {@link KvPool} per layer range, slot length and service class, all within one budget of bytes. Pools
 * double as they fill, or grow by one slot where the budget is nearly spent; when it is short, the others give back
 * every slot they do not use. So a reservation is refused only when the reserved bytes would really exceed the budget.
 * While a pool is resized, one layer's buffer exists twice. Not thread-safe.
 */
final class KvCache implements AutoCloseable {
    private final OnnxEngine engine;
    private final ModelConfig config;
    private final long budgetBytes;
    private final int lanes;
    private final Map<Key, KvPool> pools = new TreeMap<>();
    private long allocatedBytes;
    private long reservedBytes;

    private record Key(LayerRange layers, int slotLength, boolean bestEffort) implements Comparable<Key> {
        private static final Comparator<Key> ORDER = Comparator.comparing(Key::layers)
                .thenComparingInt(Key::slotLength)
                .thenComparing(Key::bestEffort);

        @Override
        public int compareTo(Key other) {
            return ORDER.compare(this, other);
        }
    }

    /** @param lanes that batches of best-effort slots may run on beside others; 0: none */
    KvCache(OnnxEngine engine, ModelConfig config, long budgetBytes, int lanes) {
        this.engine = engine;
        this.config = config;
        this.budgetBytes = budgetBytes;
        this.lanes = lanes;
    }

    /** @throws IllegalArgumentException when the budget has no room for one short session over these layers */
    void require(LayerRange layers) {
        if (capacityTokens(layers) < KvReservation.MIN_TOKENS) {
            throw new IllegalArgumentException(
                    "a KV budget of " + budgetBytes + " bytes holds " + capacityTokens(layers)
                            + " tokens of " + bytesPerToken(layers) + " bytes over " + layers.size()
                            + " layers: give it at least " + KvReservation.MIN_TOKENS * bytesPerToken(layers)
                            + " bytes");
        }
    }

    /** Tokens of sessions over these layers that fit when there are no others. */
    long capacityTokens(LayerRange layers) {
        return budgetBytes / bytesPerToken(layers);
    }

    /** What all slots taken are in tokens over these layers, rounded up. */
    long reservedTokens(LayerRange layers) {
        return Math.ceilDiv(reservedBytes, bytesPerToken(layers));
    }

    /** Bytes held by all pools, free slots included; never above the budget. */
    long allocatedBytes() {
        return allocatedBytes;
    }

    /** Most positions that any slot of this cache can have, whatever its layers. */
    int positionsMax() {
        return (int)
                Math.min(config.contextLength(), Long.highestOneBit(budgetBytes / config.kvBytesPerTokenAndLayer()));
    }

    /** Empty when the capacity is used up; errors when the sequence is longer than the model's context. */
    Optional<CacheSlot> reserve(int tokens, LayerRange layers) {
        return reserve(tokens, layers, false);
    }

    /**
     * @param bestEffort whether the slot is for best-effort work: a latency-critical batch never computes its row idly, and
     *     where there are lanes its batches may run beside others
     */
    Optional<CacheSlot> reserve(int tokens, LayerRange layers, boolean bestEffort) {
        if (tokens > config.contextLength()) {
            throw new IllegalArgumentException("a sequence of " + tokens + " tokens is longer than the context of "
                    + config.contextLength() + " tokens of model " + config.name());
        }
        int slotLength = KvReservation.roundUp(tokens);
        long bytes = slotLength * bytesPerToken(layers);
        if (reservedBytes + bytes > budgetBytes) {
            return Optional.empty();
        }
        KvPool pool = pools.computeIfAbsent(
                new Key(layers, slotLength, bestEffort),
                key -> new KvPool(
                        engine,
                        layers,
                        config.kvHeadCount(),
                        config.headDim(),
                        slotLength,
                        bestEffort,
                        bestEffort ? lanes : 0));
        if (pool.used() == pool.size() && !grow(pool)) {
            return Optional.empty();
        }
        reservedBytes += bytes;
        return Optional.of(pool.take(Math.min(slotLength, config.contextLength())));
    }

    void release(CacheSlot slot) {
        if (!owns(slot)) {
            throw new IllegalArgumentException(slot + " was released already or belongs to another runner");
        }
        slot.pool().free(slot);
        reservedBytes -= slot.pool().slotLength() * bytesPerToken(slot.layers());
    }

    /** Whether this cache handed the slot out and still holds it. */
    boolean owns(CacheSlot slot) {
        return slot.live()
                && pools.get(new Key(
                                slot.layers(),
                                slot.pool().slotLength(),
                                slot.pool().bestEffort()))
                        == slot.pool();
    }

    /** The layers of all slots taken. */
    HeldLayers inUse() {
        return HeldLayers.of(pools.values().stream()
                .filter(pool -> pool.used() > 0)
                .map(KvPool::range)
                .toList());
    }

    /** Frees the pools of ranges that are not among {@code held}; nobody uses them. */
    void keepOnly(HeldLayers held) {
        for (Iterator<KvPool> all = pools.values().iterator(); all.hasNext(); ) {
            KvPool pool = all.next();
            if (pool.used() == 0 && !held.contains(pool.range())) {
                allocatedBytes -= pool.size() * pool.bytesPerSlot();
                pool.resize(0);
                all.remove();
            }
        }
    }

    @Override
    public void close() {
        pools.values().forEach(pool -> pool.resize(0));
        pools.clear();
        allocatedBytes = 0;
        reservedBytes = 0;
    }

    private long bytesPerToken(LayerRange layers) {
        return config.kvBytesPerTokenAndLayer() * layers.size();
    }

    private boolean grow(KvPool pool) {
        if (pool.size() >= pool.sizeMax()) {
            return false;
        }
        long spare = (budgetBytes - allocatedBytes) / pool.bytesPerSlot();
        int wanted = Math.min(Math.max(1, pool.size()), pool.sizeMax() - pool.size());
        if (spare < 1) {
            for (KvPool other : pools.values()) {
                if (other != pool && other.used() < other.size()) {
                    allocatedBytes -= (other.size() - other.used()) * other.bytesPerSlot();
                    other.compact();
                }
            }
            spare = (budgetBytes - allocatedBytes) / pool.bytesPerSlot();
        }
        if (spare < 1) {
            return false;
        }
        int added = spare >= wanted ? wanted : 1;
        pool.resize(pool.size() + added);
        allocatedBytes += added * pool.bytesPerSlot();
        return true;
    }
}
