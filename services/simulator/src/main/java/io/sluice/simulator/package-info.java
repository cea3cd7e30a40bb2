/**
 * Discrete-event simulation of serving on virtual time. The engine owns clock, links, KV cache and statistics; a {@link
 * io.sluice.simulator.SimulationPolicy} decides routes, batches and the order on links. With policy {@code helix} it
 * follows the published reference simulator of Helix (ASPLOS'25, section 6) and is validated against its figures.
 */
package io.sluice.simulator;
