package io.sluice.sharing.gpu;

/** Blocks of one launch that started together on one group of SMs; {@code remaining} is the part of a block, 1 to 0. */
final class Cohort {
    Launch launch;
    Kernel kernel;
    int threads; // of one block
    int group;
    int blocks;
    double remaining;
    double perNano;
    long sinceNanos;
    long endNanos;

    void of(Launch owner) {
        launch = owner;
        kernel = owner.kernel();
        threads = kernel.shape().threads();
    }

    void advanceTo(long now) {
        remaining = Math.max(0, remaining - (now - sinceNanos) * perNano);
        sinceNanos = now;
    }

    /** Progress per nanosecond from {@code now} on. */
    void rate(double next, long now) {
        if (next == perNano) {
            return;
        }
        advanceTo(now);
        perNano = next;
        endNanos = next <= 0 ? Long.MAX_VALUE : now + Math.max(0, (long) Math.ceil(remaining / next - 1e-6));
    }

    /** More blocks join: the sum of the remaining work stays what it was. */
    void join(int more, long now) {
        advanceTo(now);
        remaining = (remaining * blocks + more) / (blocks + more);
        blocks += more;
        endNanos = now + Math.max(0, (long) Math.ceil(remaining / perNano - 1e-6));
    }
}
