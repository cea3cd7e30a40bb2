package io.sluice.sharing.gpu;

/**
 * What one block of a kernel occupies on an SM: threads, registers per thread and bytes of shared memory.
 */
public record BlockShape(int threads, int registersPerThread, int sharedBytes) {
    /** 256 threads of 40 registers: full occupancy is six blocks on an SM of 65,536 registers. */
    public static final BlockShape COMMON = new BlockShape(256, 40, 0);

    public BlockShape {
        if (threads < 1 || threads > 1024) {
            throw new IllegalArgumentException("block of " + threads + " threads; a block has 1 to 1024");
        }
        if (registersPerThread < 0 || sharedBytes < 0) {
            throw new IllegalArgumentException("negative registers or shared memory: " + registersPerThread
                    + " registers, " + sharedBytes + " bytes");
        }
    }

    /** Registers of the whole block. */
    public int registers() {
        return threads * registersPerThread;
    }
}
