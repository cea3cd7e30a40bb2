/**
 * What is on the wire: the typed catalogue of topics, the schema registry and the serde of the Avro records in {@code
 * io.sluice.records}. The wire format is Confluent's: a zero byte, the schema's id as four big-endian bytes, Avro
 * binary.
 */
package io.sluice.schemas;
