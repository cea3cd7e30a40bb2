/**
 * What every service needs around its core: Kafka client settings, topic creation, codecs between wire records and
 * domain words, dead letters, a tail of a topic and the metrics endpoint.
 */
package io.sluice.messaging;
