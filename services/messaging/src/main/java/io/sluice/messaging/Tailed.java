package io.sluice.messaging;

/**
 * One decoded record of a topic. Immutable.
 *
 * @param key key as UTF-8 text; null: none
 * @param value decoded value; null: a tombstone
 * @param timestamp the record's, milliseconds since the Unix epoch
 */
public record Tailed<T>(String key, T value, int partition, long offset, long timestamp) {}
