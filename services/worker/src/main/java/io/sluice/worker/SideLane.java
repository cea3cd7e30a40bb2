package io.sluice.worker;

import java.util.function.Consumer;

/** One core beside the others that computes layers of one best-effort batch at a time. Used by the compute thread. */
interface SideLane extends AutoCloseable {
    /** Runs {@code slice}, which comes back by the lane's consumer, from any thread; none must be out. */
    void start(SideSlice slice);

    /** False when it computes nothing any more. */
    boolean alive();

    /** Ends it; a slice that is out comes back before, or is over. */
    @Override
    void close();

    /** Makes a lane whose slices come back by {@code back}. */
    interface Opener {
        SideLane open(Consumer<SideSlice> back);
    }
}
