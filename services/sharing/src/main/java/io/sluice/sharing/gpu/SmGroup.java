package io.sluice.sharing.gpu;

/** SMs that always belong to the same pools: what they hold and what still fits. */
final class SmGroup {
    final int sms;
    private final GpuSpec spec;
    long threads;
    long registers;
    long sharedBytes;
    long slots;

    SmGroup(GpuSpec spec, int sms) {
        this.spec = spec;
        this.sms = sms;
    }

    /**
     * Blocks of the launch, which has {@code own} here already, that can start here now. What others hold is counted in
     * whole blocks of this launch's shape, so that no SM needs to hold a part of a block.
     */
    int fit(Launch launch, int residency, int own) {
        double perSm = (double) Math.min(residency, launch.perSmMax()) * sms - own;
        if (perSm <= 0 || slots >= (long) residency * sms) {
            return 0;
        }
        BlockShape shape = launch.kernel().shape();
        double held = Math.max(slots, (double) threads / shape.threads());
        if (shape.registers() > 0) {
            held = Math.max(held, (double) registers / shape.registers());
        }
        if (shape.sharedBytes() > 0) {
            held = Math.max(held, (double) sharedBytes / shape.sharedBytes());
        }
        double free = Math.floor((double) residency * sms - held + 1e-9);
        return (int) Math.max(0, Math.min(free, perSm));
    }

    void occupy(BlockShape shape, long blocks) {
        threads += shape.threads() * blocks;
        registers += shape.registers() * blocks;
        sharedBytes += shape.sharedBytes() * blocks;
        slots += blocks;
    }

    boolean overSubscribed() {
        return threads > (long) sms * spec.threadsPerSm()
                || registers > (long) sms * spec.registersPerSm()
                || sharedBytes > (long) sms * spec.sharedBytesPerSm()
                || slots > (long) sms * spec.slotsPerSm()
                || threads < 0
                || slots < 0;
    }
}
