package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.Consumer;

/** A lane without a thread: it computes when the test says. */
final class HandLane implements SideLane {
    private final int number;
    private final Consumer<SideSlice> back;
    SideSlice slice;
    boolean alive = true;
    int started;

    HandLane(int number, Consumer<SideSlice> back) {
        this.number = number;
        this.back = back;
    }

    @Override
    public void start(SideSlice next) {
        assertThat(slice).as("one slice at once").isNull();
        slice = next;
        started++;
    }

    /** Runs what it has, if anything, and hands it back; false: it has nothing. */
    boolean work() {
        if (slice == null) {
            return false;
        }
        SideSlice its = slice;
        slice = null;
        its.run(number);
        back.accept(its);
        return true;
    }

    @Override
    public boolean alive() {
        return alive;
    }

    @Override
    public void close() {
        work();
        alive = false;
    }
}
