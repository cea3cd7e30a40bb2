package io.sluice.worker;

/**
 * How a chunk came here. Immutable.
 *
 * @param sender worker id, or router
 * @param transferMicros receive time minus send time, by both clocks, microseconds
 * @param receivedNanos when it was received, nanoseconds of this process's time source
 */
record Arrival(String sender, long transferMicros, long receivedNanos) {}
