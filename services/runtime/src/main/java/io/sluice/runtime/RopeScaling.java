package io.sluice.runtime;

import java.util.List;

/**
 * How a model stretches its rotary embedding beyond the context it was first trained with. Immutable. Follows
 * {@code modeling_rope_utils} of Hugging Face transformers; frequencies are computed in double precision.
 */
public sealed interface RopeScaling {
    /** The plain rotary embedding. */
    RopeScaling NONE = new None();

    /**
     * Angle per position of each pair of a head's elements, radians, {@code [headDim / 2]}.
     *
     * @param theta base of the rotary embedding
     * @param headDim elements per head, even
     */
    default double[] frequencies(double theta, int headDim) {
        double[] frequencies = new double[headDim / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = scale(i, Math.pow(theta, -2.0 * i / headDim));
        }
        return frequencies;
    }

    /** The scaled frequency of pair {@code index}, whose plain frequency is {@code frequency}. */
    double scale(int index, double frequency);

    /** No scaling. */
    record None() implements RopeScaling {
        @Override
        public double scale(int index, double frequency) {
            return frequency;
        }
    }

    /** Positions divided by {@code factor}. */
    record Linear(double factor) implements RopeScaling {
        public Linear {
            requirePositive("factor", factor);
        }

        @Override
        public double scale(int index, double frequency) {
            return frequency / factor;
        }
    }

    /** Llama 3.1: long wavelengths divided by {@code factor}, short ones kept, a ramp between. */
    record Llama3(double factor, double lowFreqFactor, double highFreqFactor, double originalContextLength)
            implements RopeScaling {
        public Llama3 {
            requirePositive("factor", factor);
            requirePositive("low_freq_factor", lowFreqFactor);
            requirePositive("original_max_position_embeddings", originalContextLength);
            if (!(highFreqFactor > lowFreqFactor)) {
                throw new IllegalArgumentException("rope scaling high_freq_factor " + highFreqFactor
                        + " must be above low_freq_factor " + lowFreqFactor);
            }
        }

        @Override
        public double scale(int index, double frequency) {
            double turns = originalContextLength * frequency / (2 * Math.PI);
            if (turns < lowFreqFactor) {
                return frequency / factor;
            }
            if (turns > highFreqFactor) {
                return frequency;
            }
            double smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
            return (1 - smooth) * frequency / factor + smooth * frequency;
        }
    }

    /** Each pair's frequency divided by a factor of its own, as GGUF files store it ({@code rope_freqs.weight}). */
    record Factors(List<Float> factors) implements RopeScaling {
        public Factors {
            factors = List.copyOf(factors);
            factors.forEach(factor -> requirePositive("factor", factor));
        }

        @Override
        public double scale(int index, double frequency) {
            if (index >= factors.size()) {
                throw new IllegalArgumentException("rope scaling has " + factors.size() + " factors but pair " + index
                        + " is asked for: one per two elements of a head is needed");
            }
            return frequency / factors.get(index);
        }
    }

    private static void requirePositive(String name, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException("rope scaling " + name + " " + value + " must be above 0");
        }
    }
}
