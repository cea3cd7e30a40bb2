package io.sluice.runtime.onnx;

import ai.onnxruntime.OnnxTensor;
import io.sluice.core.LayerRange;
import io.sluice.runtime.OffHeap;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Slots of one length over one range of layers: per layer one buffer of keys and one of values, {@code [slots, kvHeads, slotLength, headDim]}
 * fp32. Neighbouring slots are one tensor without copying, which is what lets sessions decode as one batch. Not
 * thread-safe.
 */
final class KvPool {
    /** Most slot ranges whose tensors are remembered; a busy pool uses few. */
    private static final int VIEWS_MAX = 64;

    private final OnnxEngine engine;
    private final LayerRange range;
    private final int slotLength;
    private final boolean bestEffort;
    private final boolean beside;
    private final int kvHeads;
    private final int headDim;
    private final long slotBytes;
    private final ByteBuffer[] keys;
    private final ByteBuffer[] values;
    /** By lane, because two lanes may run at once. */
    private final List<Map<Long, View>> views;

    private CacheSlot[] slots = {};
    private int used;

    /** Keys and values of some neighbouring slots, per layer of the pool's range. */
    record View(OnnxTensor[] keys, OnnxTensor[] values) {}

    /** @param lanes that batches of its slots may run on beside the usual one; 0: none */
    KvPool(
            OnnxEngine engine,
            LayerRange range,
            int kvHeads,
            int headDim,
            int slotLength,
            boolean bestEffort,
            int lanes) {
        this.bestEffort = bestEffort;
        beside = lanes > 0;
        views = Stream.generate(() -> (Map<Long, View>) new LinkedHashMap<Long, View>(16, 0.75f, true))
                .limit(1L + lanes)
                .toList();
        this.engine = engine;
        this.range = range;
        this.slotLength = slotLength;
        this.kvHeads = kvHeads;
        this.headDim = headDim;
        slotBytes = (long) kvHeads * slotLength * headDim * Float.BYTES;
        keys = new ByteBuffer[range.size()];
        values = new ByteBuffer[range.size()];
    }

    LayerRange range() {
        return range;
    }

    int slotLength() {
        return slotLength;
    }

    /** Whether its slots are those of best-effort work; all of them are, or none. */
    boolean bestEffort() {
        return bestEffort;
    }

    /** Whether batches of its slots may run beside others. */
    boolean beside() {
        return beside;
    }

    /** Slots that exist, free ones included. */
    int size() {
        return slots.length;
    }

    int used() {
        return used;
    }

    /** Bytes of one slot over all layers. */
    long bytesPerSlot() {
        return 2 * slotBytes * keys.length;
    }

    /** Most slots that one buffer can hold. */
    int sizeMax() {
        return (int) (Integer.MAX_VALUE / slotBytes);
    }

    /** The slot of a row, null when it is free. */
    CacheSlot at(int row) {
        return slots[row];
    }

    /** Takes the lowest free row; there must be one. */
    CacheSlot take(int capacityTokens) {
        int row = 0;
        while (slots[row] != null) {
            row++;
        }
        slots[row] = new CacheSlot(this, row, capacityTokens);
        used++;
        return slots[row];
    }

    void free(CacheSlot slot) {
        slots[slot.row()] = null;
        slot.kill();
        used--;
    }

    /** Resizes to {@code size} slots, keeping the rows below it; one layer at a time, so little is held twice. */
    void resize(int size) {
        dropViews();
        for (ByteBuffer[] buffers : new ByteBuffer[][] {keys, values}) {
            for (int layer = 0; layer < buffers.length; layer++) {
                buffers[layer] = resized(buffers[layer], size);
            }
        }
        slots = Arrays.copyOf(slots, size);
    }

    /** Moves the used rows together at the start and gives the rest back. */
    void compact() {
        int high = slots.length - 1;
        for (int low = 0; low < used; low++) {
            if (slots[low] == null) {
                while (slots[high] == null) {
                    high--;
                }
                move(high, low);
            }
        }
        resize(used);
    }

    /**
     * Tensors over rows {@code [first, first + count)}; valid until the pool is resized.
     *
     * @param lane whose tensors; different lanes may ask at once, and use what they get. 0: the runner's own thread
     */
    View view(int lane, int first, int count) {
        Map<Long, View> known = views.get(lane);
        long key = (long) first << 32 | count;
        View view = known.get(key);
        if (view == null) {
            if (known.size() == VIEWS_MAX) {
                var eldest = known.entrySet().iterator();
                close(eldest.next().getValue());
                eldest.remove();
            }
            view = new View(tensors(keys, first, count), tensors(values, first, count));
            known.put(key, view);
        }
        return view;
    }

    private OnnxTensor[] tensors(ByteBuffer[] buffers, int first, int count) {
        OnnxTensor[] tensors = new OnnxTensor[buffers.length];
        for (int layer = 0; layer < tensors.length; layer++) {
            ByteBuffer rows = buffers[layer]
                    .slice((int) (first * slotBytes), (int) (count * slotBytes))
                    .order(ByteOrder.nativeOrder());
            tensors[layer] = engine.floats(rows, count, kvHeads, slotLength, headDim);
        }
        return tensors;
    }

    private ByteBuffer resized(ByteBuffer old, int size) {
        ByteBuffer buffer = null;
        if (size > 0) {
            buffer = OffHeap.allocate(size * slotBytes);
            if (old != null) {
                buffer.put(0, old, 0, Math.min(old.capacity(), buffer.capacity()));
            }
        }
        if (old != null) {
            OffHeap.free(old);
        }
        return buffer;
    }

    private void move(int from, int to) {
        for (ByteBuffer[] buffers : new ByteBuffer[][] {keys, values}) {
            for (ByteBuffer buffer : buffers) {
                buffer.put((int) (to * slotBytes), buffer, (int) (from * slotBytes), (int) slotBytes);
            }
        }
        slots[to] = slots[from];
        slots[to].moveTo(to);
        slots[from] = null;
    }

    private void dropViews() {
        for (Map<Long, View> known : views) {
            known.values().forEach(KvPool::close);
            known.clear();
        }
    }

    private static void close(View view) {
        for (OnnxTensor tensor : view.keys()) {
            tensor.close();
        }
        for (OnnxTensor tensor : view.values()) {
            tensor.close();
        }
    }

    @Override
    public String toString() {
        return slotLength + "-position slots of layers " + range;
    }
}
