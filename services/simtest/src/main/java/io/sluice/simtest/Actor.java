package io.sluice.simtest;

import java.util.ArrayList;
import java.util.List;

/**
 * A process: has a clock of its own, can die, stand still and be cut off from the brokers. What it was about to do
 * when it died never happens; what it was about to do when it was stopped happens when it goes on.
 */
abstract class Actor {
    private static final long EPOCH_MILLIS = 1_700_000_000_000L;

    final World world;
    final String name;
    private final double drift;
    private long skewMicros;
    private boolean alive;
    private boolean stopped;
    private boolean cutOff;
    private int life;
    private final List<EventQueue.Event> deferred = new ArrayList<>();

    /**
     * @param skewMicros how far its clock is ahead
     * @param drift how much faster than time it goes, for example 1e-4
     */
    Actor(World world, String name, long skewMicros, double drift) {
        this.world = world;
        this.name = name;
        this.skewMicros = skewMicros;
        this.drift = drift;
    }

    /** Its own clock, milliseconds since the Unix epoch. */
    final long clockMillis() {
        return EPOCH_MILLIS + ((long) (world.nowMicros() * (1 + drift)) + skewMicros) / 1_000;
    }

    /** Somebody has set its clock. */
    final void shiftClock(long micros) {
        skewMicros += micros;
    }

    /** Does something later, unless it has died by then. */
    final void after(long micros, Runnable action) {
        world.queue().add(world.nowMicros() + micros, this, action);
    }

    /** Does something again and again while it lives, by its own clock. */
    final void every(long micros, Runnable action) {
        after((long) (micros / (1 + drift)), () -> {
            action.run();
            if (alive) {
                every(micros, action);
            }
        });
    }

    final void born() {
        life++;
        alive = true;
        stopped = false;
    }

    final void died() {
        life++;
        alive = false;
        stopped = false;
        deferred.clear();
    }

    final boolean isAlive() {
        return alive;
    }

    final int life() {
        return life;
    }

    final boolean isStopped() {
        return stopped;
    }

    final void stop() {
        stopped = true;
    }

    final void goOn() {
        stopped = false;
        for (EventQueue.Event event : deferred) {
            world.queue().add(world.nowMicros(), this, event.action());
        }
        deferred.clear();
    }

    final boolean isCutOff() {
        return cutOff;
    }

    final void cutOff(boolean cut) {
        cutOff = cut;
    }

    /** Takes an event; false when it is over or waits. */
    final boolean run(EventQueue.Event event) {
        if (!alive || event.life() != life) {
            return false;
        }
        if (stopped) {
            deferred.add(event);
            return false;
        }
        event.action().run();
        return true;
    }

    /** What must hold of it after each of its steps; reports to the world's judge. */
    abstract void check();
}
