package io.sluice.worker;

import io.sluice.core.sharing.TenantId;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.worker.device.BatchShape;
import io.sluice.worker.device.Device;
import io.sluice.worker.sharing.SharingControl;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * A slice on the whole device, by the compute thread itself: some layers of a batch, or some parts of its head, and its end when
 * nothing is left. Used once.
 */
final class WholeSlice {
    private final RestingBatch batch;
    private final Device device;
    private final LongSupplier nanos;
    private final List<Long> unitNanos = new ArrayList<>();
    private List<StageOutput> outputs;
    private RuntimeException failure;

    WholeSlice(RestingBatch batch, Device device, LongSupplier nanos) {
        this.batch = Objects.requireNonNull(batch, "batch");
        this.device = Objects.requireNonNull(device, "device");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
    }

    /** Runs at most so many units, the first of them in any case. */
    void run(long most, BooleanSupplier stop) {
        try {
            boolean head = batch.atHead();
            while (batch.atHead() == head && batch.unitsLeft() > 0 && unitNanos.size() < most) {
                if (!unitNanos.isEmpty() && stop.getAsBoolean()) {
                    break;
                }
                if (!unit(head, stop)) {
                    break;
                }
                unitNanos.add(batch.unitNanos);
                batch.unitNanos = 0;
            }
            if (batch.isThrough()) {
                outputs = batch.run.finish();
            }
        } catch (RuntimeException e) {
            failure = e;
        }
    }

    /** Runs a part of the head, or of a layer what is left of it; false: the device was given back in the middle. */
    private boolean unit(boolean head, BooleanSupplier stop) {
        long startNanos = nanos.getAsLong();
        if (head) {
            batch.run.advanceHead(1);
        } else {
            long dueNanos = startNanos + (batch.owedNanos > 0 ? batch.owedNanos : layer());
            batch.owedNanos = device.pace(dueNanos, stop);
        }
        batch.unitNanos += nanos.getAsLong() - startNanos;
        return batch.owedNanos == 0;
    }

    /** Computes one layer; what the device takes for it, nanoseconds. */
    private long layer() {
        int layer = batch.run.nextLayer();
        BatchShape shape = new BatchShape(layer, 1);
        batch.counting().forEach(work -> work.addTo(shape, layer, layer + 1));
        batch.run.advance(1);
        return device.batchNanos(shape);
    }

    /** Units done; the end of the batch counts as one where it is all that was left. */
    int units() {
        return outputs == null ? unitNanos.size() : Math.max(1, unitNanos.size());
    }

    /** Tells what the kernel group did on all cores. */
    void tell(SharingControl sharing, TenantId tenant, String group, int computes) {
        long ran = unitNanos.stream().mapToLong(Long::longValue).sum();
        sharing.groupRan(tenant, group, sharing.cores(), (double) unitNanos.size() * computes, ran);
    }

    /** What the units took, each. */
    List<Long> unitNanos() {
        return List.copyOf(unitNanos);
    }

    /** The lower median, so that what the machine did to a few of them is not taken for what such a batch costs. */
    static long usual(List<Long> nanos) {
        return nanos.isEmpty()
                ? 0
                : nanos.stream()
                        .sorted()
                        .skip((nanos.size() - 1) / 2)
                        .findFirst()
                        .orElseThrow();
    }

    /** What came out of the batch; null: it is not through. */
    List<StageOutput> outputs() {
        return outputs;
    }

    /** Null: it went well. */
    RuntimeException failure() {
        return failure;
    }
}
