/**
 * Sluice's own serving policy on virtual time: adapters that let the classes which live routers and workers use ({@code
 * core.routing}, {@code core.batching}) decide in a simulation.
 */
package io.sluice.simulator.sluice;
