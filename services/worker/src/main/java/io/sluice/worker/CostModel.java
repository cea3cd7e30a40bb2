package io.sluice.worker;

import io.sluice.worker.device.BatchShape;
import io.sluice.worker.device.EmulatedDevice;

/**
 * What a worker announces of its speed: a batch of p prompt and d decode tokens through the layers held lasts about
 * {@code batchMicros + p * prefillMicros + d * decodeMicros}. Immutable.
 *
 * @param batchMicros fixed time of a batch, microseconds
 * @param prefillMicros time each prompt token adds, microseconds
 * @param decodeMicros time each decode token adds, microseconds
 */
record CostModel(double batchMicros, double prefillMicros, double decodeMicros) {
    /** Decode batch at which the speed is announced, sessions. */
    static final int TYPICAL_DECODE_BATCH = 8;
    /** Largest decode batch the emulated fit looks at, sessions. */
    private static final int WIDE_DECODE_BATCH = 32;
    /** Share of a prompt chunk's time that counts as its tokens' when the fixed time would take all of it. */
    private static final double LEAST_PREFILL_SHARE = 0.1;

    private static final double NANOS_PER_MICRO = 1_000;

    CostModel {
        if (!(batchMicros >= 0 && prefillMicros > 0 && decodeMicros > 0)
                || Double.isInfinite(batchMicros + prefillMicros + decodeMicros)) {
            throw new IllegalArgumentException("cost model (" + batchMicros + ", " + prefillMicros + ", " + decodeMicros
                    + ") must be finite, 0 or more per batch and above 0 per token");
        }
    }

    /** The model through two decode batches and one prompt chunk, microseconds. */
    static CostModel fit(int decodeA, double microsA, int decodeB, double microsB, int prompt, double promptMicros) {
        double decode = (microsB - microsA) / (decodeB - decodeA);
        // Noise must not make tokens free or a batch cost less than nothing.
        decode = Math.clamp(decode, microsB / decodeB / 20, microsB / decodeB);
        double batch = Math.max(0, microsA - decodeA * decode);
        double prefill = Math.max((promptMicros - batch) / prompt, LEAST_PREFILL_SHARE * promptMicros / prompt);
        return new CostModel(batch, prefill, decode);
    }

    /** The model of an emulated device, from its profile. */
    static CostModel of(EmulatedDevice device, int layers, int promptChunk) {
        return fit(
                2,
                device.batchNanos(BatchShape.of(layers, 0, 2)) / NANOS_PER_MICRO,
                WIDE_DECODE_BATCH,
                device.batchNanos(BatchShape.of(layers, 0, WIDE_DECODE_BATCH)) / NANOS_PER_MICRO,
                promptChunk,
                device.batchNanos(BatchShape.of(layers, promptChunk, 0)) / NANOS_PER_MICRO);
    }

    /** The model of so many times the layers. */
    CostModel times(double factor) {
        return new CostModel(batchMicros * factor, prefillMicros * factor, decodeMicros * factor);
    }

    /** Prompt tokens per second in batches of one chunk. */
    double prefillTokensPerSecond(int chunk) {
        return 1e6 * chunk / (batchMicros + chunk * prefillMicros);
    }

    /** Decode tokens per second at the typical batch. */
    double decodeTokensPerSecond() {
        return 1e6 * TYPICAL_DECODE_BATCH / (batchMicros + TYPICAL_DECODE_BATCH * decodeMicros);
    }
}
