/**
 * Replays request traces against a running stack through its Kafka topics and reports latency and throughput under the
 * key names of vLLM's serving benchmark, so that results can be compared without translation.
 */
package io.sluice.loadgen;
