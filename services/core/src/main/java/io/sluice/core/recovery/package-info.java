/**
 * How a session goes on after a loss: which stages keep their KV cache, which rebuild it from the log, and where in the
 * log their inputs are. Plain decisions, shared by the router and the simulation.
 */
package io.sluice.core.recovery;
