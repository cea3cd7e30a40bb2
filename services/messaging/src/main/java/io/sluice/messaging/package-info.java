/**
 * What every service needs around its core: Kafka client settings, topic creation, codecs between wire records and
 * domain words, dead letters, a tail of a topic, the metrics endpoint, and in {@code streams} what topologies share.
 */
package io.sluice.messaging;
