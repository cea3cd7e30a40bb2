package io.sluice.simulator;

/**
 * CPython's Mersenne Twister, so that a published run can be replayed with the very requests it had (Matsumoto and
 * Nishimura, 1998). Not thread-safe.
 */
final class PythonRandom {
    private static final int N = 624;
    private static final int M = 397;

    private final int[] state = new int[N];
    private int index = N;

    /** As {@code random.seed(seed)} for 0 <= seed < 2^31. */
    PythonRandom(int seed) {
        state[0] = 19650218;
        for (int i = 1; i < N; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
        }
        int i = 1;
        for (int k = 0; k < N; k++) {
            state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >>> 30)) * 1664525)) + seed;
            i = next(i);
        }
        for (int k = 0; k < N - 1; k++) {
            state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >>> 30)) * 1566083941)) - i;
            i = next(i);
        }
        state[0] = 0x80000000;
    }

    private int next(int i) {
        if (i + 1 < N) {
            return i + 1;
        }
        state[0] = state[N - 1];
        return 1;
    }

    private int word() {
        if (index == N) {
            for (int k = 0; k < N; k++) {
                int y = (state[k] & 0x80000000) | (state[(k + 1) % N] & 0x7fffffff);
                state[k] = state[(k + M) % N] ^ (y >>> 1) ^ ((y & 1) != 0 ? 0x9908b0df : 0);
            }
            index = 0;
        }
        int y = state[index++];
        y ^= y >>> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        return y ^ (y >>> 18);
    }

    /** As {@code random.random()}. */
    double nextDouble() {
        long a = word() >>> 5;
        long b = word() >>> 6;
        return (a * 67108864.0 + b) / 9007199254740992.0;
    }

    /** As {@code random.randint(0, bound - 1)}. */
    int nextInt(int bound) {
        int bits = 32 - Integer.numberOfLeadingZeros(bound);
        while (true) {
            int r = word() >>> (32 - bits);
            if (r < bound) {
                return r;
            }
        }
    }
}
