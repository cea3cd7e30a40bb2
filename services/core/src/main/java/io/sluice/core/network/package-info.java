/**
 * What transfers tell of the network between workers, whose clocks differ, and what follows from it: offsets of clocks,
 * latency and bandwidth of a link, and how many bits an activation gets there.
 */
package io.sluice.core.network;
