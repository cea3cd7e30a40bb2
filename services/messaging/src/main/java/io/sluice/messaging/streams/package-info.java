/**
 * What the services on Kafka Streams share: their settings, the parts of their graphs, and that a thread which dies starts
 * again. Who uses it brings Kafka Streams along.
 */
package io.sluice.messaging.streams;
