package io.sluice.worker;

import io.sluice.core.stage.StageChunk;

/**
 * How a chunk came here. Immutable.
 *
 * @param sender worker id, or router
 * @param transferMicros receive time minus send time, by both clocks, microseconds
 * @param receivedNanos when it was received, nanoseconds of this process's time source
 * @param offset of the record it came in, in this worker's topic; {@link #NOT_LOGGED}: it did not come from there
 */
record Arrival(String sender, long transferMicros, long receivedNanos, long offset) {
    /** Offset of what a step left in this process, or of what was read from another worker's topic. */
    static final long NOT_LOGGED = StageChunk.NOT_LOGGED;
}
