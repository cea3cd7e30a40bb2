package io.sluice.core.sharing;

import java.util.List;
import java.util.stream.LongStream;

/**
 * Slice bounds to choose from on a device whose smallest unit of work is a layer: five, each twice the one before. The
 * smallest takes a layer with room for accidents, since a bound that no unit fits lets nothing start. Stateless.
 */
public final class SliceBounds {
    /** Bounds to choose from. */
    public static final int COUNT = 5;

    private static final double LAYERS = 4;
    private static final double LAYERS_BETWEEN_STOPS = 1.25;
    private static final long CPU_LEAST_NANOS = 1_000_000;
    private static final long LEAST_NANOS = 100_000;
    private static final long MOST_LEAST_NANOS = 100_000_000;
    private static final long UNKNOWN_CPU_NANOS = 2_000_000;
    private static final long UNKNOWN_EMULATED_NANOS = 8_000_000;
    private static final long UNKNOWN_NANOS = 250_000;

    private SliceBounds() {}

    /**
     * Bounds in ns, rising.
     *
     * @param device as a worker announces it: {@code cpu}, {@code emulated:...} or another
     * @param layerNanos time of one decode step through one layer; not positive or not finite: not known, then by the
     *     device
     */
    public static List<Long> of(String device, double layerNanos) {
        boolean cpu = device.equals("cpu");
        boolean emulated = device.startsWith("emulated:");
        long least;
        if (layerNanos > 0 && layerNanos < Double.MAX_VALUE) {
            // Other programs use the same cores: what takes 20 us now and then takes half a millisecond.
            double layers = cpu || emulated ? LAYERS_BETWEEN_STOPS : LAYERS;
            least = Math.max(cpu || emulated ? CPU_LEAST_NANOS : LEAST_NANOS, (long)
                    Math.min(MOST_LEAST_NANOS, layers * layerNanos));
        } else {
            least = cpu ? UNKNOWN_CPU_NANOS : emulated ? UNKNOWN_EMULATED_NANOS : UNKNOWN_NANOS;
        }
        return LongStream.range(0, COUNT).mapToObj(i -> least << i).toList();
    }
}
