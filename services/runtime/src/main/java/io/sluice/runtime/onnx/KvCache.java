package io.sluice.runtime.onnx;

import io.sluice.core.routing.KvReservation;
import io.sluice.runtime.ModelConfig;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The KV cache of one stage: a {@link KvPool} per slot length, all within one budget of bytes. Pools double as they
 * fill, or grow by one slot where the budget is nearly spent; when it is short, the others give back every slot they do
 * not use. So a reservation is refused only when the reserved tokens would really exceed the capacity. While a pool is
 * resized, one layer's buffer exists twice. Not thread-safe.
 */
final class KvCache implements AutoCloseable {
    private final OnnxEngine engine;
    private final ModelConfig config;
    private final int layers;
    private final long budgetBytes;
    private final long bytesPerToken;
    private final Map<Integer, KvPool> pools = new TreeMap<>();
    private long allocatedBytes;
    private long reservedTokens;

    KvCache(OnnxEngine engine, ModelConfig config, int layers, long budgetBytes) {
        this.engine = engine;
        this.config = config;
        this.layers = layers;
        this.budgetBytes = budgetBytes;
        bytesPerToken = config.kvBytesPerTokenAndLayer() * layers;
        if (capacityTokens() < KvReservation.MIN_TOKENS) {
            throw new IllegalArgumentException("a KV budget of " + budgetBytes + " bytes holds " + capacityTokens()
                    + " tokens of " + bytesPerToken + " bytes over " + layers + " layers: give it at least "
                    + KvReservation.MIN_TOKENS * bytesPerToken + " bytes");
        }
    }

    long capacityTokens() {
        return budgetBytes / bytesPerToken;
    }

    long reservedTokens() {
        return reservedTokens;
    }

    /** Bytes held by all pools, free slots included; never above the budget. */
    long allocatedBytes() {
        return allocatedBytes;
    }

    /** Most positions that any slot of this cache can have. */
    int positionsMax() {
        return (int) Math.min(config.contextLength(), Long.highestOneBit(capacityTokens()));
    }

    /** Empty when the capacity is used up; errors when the sequence is longer than the model's context. */
    Optional<CacheSlot> reserve(int tokens) {
        if (tokens > config.contextLength()) {
            throw new IllegalArgumentException("a sequence of " + tokens + " tokens is longer than the context of "
                    + config.contextLength() + " tokens of model " + config.name());
        }
        int slotLength = KvReservation.roundUp(tokens);
        if (reservedTokens + slotLength > capacityTokens()) {
            return Optional.empty();
        }
        KvPool pool = pools.computeIfAbsent(
                slotLength, length -> new KvPool(engine, layers, config.kvHeadCount(), config.headDim(), length));
        if (pool.used() == pool.size() && !grow(pool)) {
            return Optional.empty();
        }
        reservedTokens += slotLength;
        return Optional.of(pool.take(Math.min(slotLength, config.contextLength())));
    }

    void release(CacheSlot slot) {
        if (!slot.live() || pools.get(slot.pool().slotLength()) != slot.pool()) {
            throw new IllegalArgumentException(slot + " was released already or belongs to another runner");
        }
        slot.pool().free(slot);
        reservedTokens -= slot.pool().slotLength();
    }

    /** Whether this cache handed the slot out and still holds it. */
    boolean owns(CacheSlot slot) {
        return slot.live() && pools.get(slot.pool().slotLength()) == slot.pool();
    }

    @Override
    public void close() {
        pools.values().forEach(pool -> pool.resize(0));
        pools.clear();
        allocatedBytes = 0;
        reservedTokens = 0;
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
