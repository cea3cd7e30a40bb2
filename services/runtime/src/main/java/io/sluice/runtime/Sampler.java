package io.sluice.runtime;

import java.nio.FloatBuffer;

/**
 * Draws the next token from logits. A pure function of logits, parameters and position: the random number is
 * counter-based, two rounds of SplitMix64's finaliser (Steele, Lea and Flood, OOPSLA 2014) over seed and position, so a
 * replacement worker continues a session exactly. Probabilities use {@link StrictMath}, the same on every machine.
 * Order of the filters as in Hugging Face transformers: temperature, top-k, top-p. Stateless and thread-safe.
 */
public final class Sampler {
    private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

    private Sampler() {}

    /**
     * Token id drawn from {@code logits}, {@code [vocabSize]} between its position and limit, which stay as they are.
     *
     * @param position of the token to be drawn in its sequence, prompt included
     * @throws IllegalArgumentException when a logit is NaN or +infinity, or all are -infinity
     */
    public static int sample(FloatBuffer logits, SamplingParams params, long position) {
        int best = argmax(logits);
        if (params.greedy()) {
            return best;
        }
        Candidates candidates = new Candidates(logits, params.temperature(), logits.get(logits.position() + best));
        double u = uniform(params.seed(), position);
        boolean all = params.topK() == 0 || params.topK() >= logits.remaining();
        if (all && params.topP() == 1) {
            return candidates.drawInIdOrder(u);
        }
        return candidates.drawLikeliest(u, all ? logits.remaining() : params.topK(), params.topP());
    }

    /** Index of the largest logit, the lowest one among equals. Errors as {@link #sample}. */
    public static int argmax(FloatBuffer logits) {
        int first = logits.position();
        int count = logits.remaining();
        int best = -1;
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            float logit = logits.get(first + i);
            if (logit > max) {
                max = logit;
                best = i;
            } else if (Float.isNaN(logit)) {
                throw new IllegalArgumentException("logit of token " + i + " is NaN: the model's weights or"
                        + " activations are damaged, or fp16 activations overflowed; try --activations fp32");
            }
        }
        if (best < 0 || max == Float.POSITIVE_INFINITY) {
            throw new IllegalArgumentException("the largest of " + count + " logits is " + max
                    + ": the model's weights or activations are" + " damaged");
        }
        return best;
    }

    /** Uniform in [0, 1), 53 random bits that depend on nothing but seed and position. */
    static double uniform(long seed, long position) {
        return (mix(mix(seed) + (position + 1) * GOLDEN_GAMMA) >>> 11) * 0x1.0p-53;
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    /** Tokens with their unnormalised probabilities, and a heap that yields them likeliest first. */
    private static final class Candidates {
        private final double[] weights;
        /** Max-heap of (weight, lowest id first); filled only when the order matters. */
        private int[] heap;

        private int heapSize;

        Candidates(FloatBuffer logits, double temperature, float max) {
            weights = new double[logits.remaining()];
            int first = logits.position();
            for (int i = 0; i < weights.length; i++) {
                weights[i] = StrictMath.exp((logits.get(first + i) - (double) max) / temperature);
            }
        }

        int drawInIdOrder(double u) {
            double total = 0;
            for (double weight : weights) {
                total += weight;
            }
            double target = u * total;
            double sum = 0;
            int last = 0;
            for (int i = 0; i < weights.length; i++) {
                sum += weights[i];
                if (weights[i] > 0) {
                    last = i;
                    if (sum > target) {
                        return i;
                    }
                }
            }
            return last;
        }

        int drawLikeliest(double u, int topK, double topP) {
            heapify();
            int[] kept = new int[Math.min(topK, weights.length)];
            double total = topK < weights.length ? Double.NaN : sum();
            int count = 0;
            double sum = 0;
            // With top-k the total is known only once k tokens are out; without it tokens leave until top-p is reached.
            while (count < kept.length && !(sum >= topP * total)) {
                kept[count] = pop();
                sum += weights[kept[count++]];
            }
            if (topK < weights.length && topP < 1) {
                double wanted = topP * sum;
                sum = 0;
                int few = 0;
                while (few < count && sum < wanted) {
                    sum += weights[kept[few++]];
                }
                count = few;
            }
            double target = u * sum;
            double reached = 0;
            for (int i = 0; i < count - 1; i++) {
                reached += weights[kept[i]];
                if (reached > target) {
                    return kept[i];
                }
            }
            return kept[count - 1];
        }

        private double sum() {
            double total = 0;
            for (double weight : weights) {
                total += weight;
            }
            return total;
        }

        private void heapify() {
            heap = new int[weights.length];
            for (int i = 0; i < heap.length; i++) {
                heap[i] = i;
            }
            heapSize = heap.length;
            for (int i = heapSize / 2 - 1; i >= 0; i--) {
                siftDown(i);
            }
        }

        private int pop() {
            int top = heap[0];
            heap[0] = heap[--heapSize];
            siftDown(0);
            return top;
        }

        private void siftDown(int start) {
            int i = start;
            while (true) {
                int child = 2 * i + 1;
                if (child >= heapSize) {
                    return;
                }
                if (child + 1 < heapSize && before(heap[child + 1], heap[child])) {
                    child++;
                }
                if (!before(heap[child], heap[i])) {
                    return;
                }
                int swap = heap[i];
                heap[i] = heap[child];
                heap[child] = swap;
                i = child;
            }
        }

        private boolean before(int a, int b) {
            return weights[a] > weights[b] || weights[a] == weights[b] && a < b;
        }
    }
}
