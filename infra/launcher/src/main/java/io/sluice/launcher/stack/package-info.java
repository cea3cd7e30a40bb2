/**
 * The whole of Sluice on one machine: broker, registry, Flink job, router and worker processes, started together,
 * described in one file while they run, stopped together.
 */
package io.sluice.launcher.stack;
