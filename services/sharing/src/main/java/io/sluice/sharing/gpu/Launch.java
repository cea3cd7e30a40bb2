package io.sluice.sharing.gpu;

/**
 * One launch of a kernel, or of what is left of it: how many blocks, how many of them at a time, and whether it can be
 * told to retreat. The device owns its counters; a launch runs once. Not thread-safe.
 */
public final class Launch {
    private final Kernel kernel;
    private final int blocks;
    private int workersMax = Integer.MAX_VALUE;
    private int perSmMax = Integer.MAX_VALUE;
    private double slowdown = 1;
    private double blockExtraNanos;
    private boolean persistent;
    private Object tag;

    GpuStream stream;
    long readyNanos;
    long startNanos = -1;
    int residency;
    int pending;
    int running;
    boolean retreating;
    boolean finished;
    int[] runningIn;

    /** The whole grid of a kernel. */
    public Launch(Kernel kernel) {
        this(kernel, kernel.blocks());
    }

    /** {@code blocks} blocks of a kernel's grid: a slice, or the rest after a retreat. */
    public Launch(Kernel kernel, int blocks) {
        if (blocks < 1 || blocks > kernel.blocks()) {
            throw new IllegalArgumentException(
                    "launch of " + blocks + " of the " + kernel.blocks() + " blocks of " + kernel.name());
        }
        this.kernel = kernel;
        this.blocks = blocks;
        this.pending = blocks;
    }

    /** At most this many blocks at a time. */
    public Launch workersMax(int blocksAtATime) {
        if (blocksAtATime < 1) {
            throw new IllegalArgumentException("a launch needs at least one worker, not " + blocksAtATime);
        }
        workersMax = blocksAtATime;
        return this;
    }

    /** At most this many blocks on each SM. */
    public Launch perSmMax(int blocksPerSm) {
        if (blocksPerSm < 1) {
            throw new IllegalArgumentException("a launch needs at least one block per SM, not " + blocksPerSm);
        }
        perSmMax = blocksPerSm;
        return this;
    }

    /**
     * Workers that loop over blocks and look at a retreat flag before each: they keep their places between blocks, and
     * every block costs {@code extraNanos} and {@code factor} times its own time.
     */
    public Launch persistent(double factor, double extraNanos) {
        persistent = true;
        slowdown = factor;
        blockExtraNanos = extraNanos;
        return this;
    }

    /** Multiplies the time of every block: jitter of a request, cost of a library's substitute. */
    public Launch slowedBy(double factor) {
        slowdown *= factor;
        return this;
    }

    /** A note for the policy; the device does not read it. */
    public Launch tag(Object note) {
        tag = note;
        return this;
    }

    public Object tag() {
        return tag;
    }

    public Kernel kernel() {
        return kernel;
    }

    public int blocks() {
        return blocks;
    }

    /** Blocks that were not started: what is left after a retreat, 0 after a complete run. */
    public int left() {
        return pending;
    }

    public int running() {
        return running;
    }

    /** When the first block started; -1: none has. */
    public long startNanos() {
        return startNanos;
    }

    public boolean finished() {
        return finished;
    }

    int workersMax() {
        return workersMax;
    }

    int perSmMax() {
        return perSmMax;
    }

    boolean keepsPlaces() {
        return persistent && !retreating;
    }

    /** Full duration of a block at this residency. */
    double blockNanos(double residency) {
        return kernel.blockNanos(residency) * slowdown + blockExtraNanos;
    }

    boolean wantsBlocks() {
        return pending > 0 && !retreating && running < workersMax;
    }
}
