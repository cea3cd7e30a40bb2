/**
 * The words of the domain: ids, layer ranges, stages and pipelines. Everything below this package is plain Java with no
 * broker, no stream processor, no clock, no randomness and no threads, so that the live services, the simulator and the
 * tests run one and the same policy.
 */
package io.sluice.core;
