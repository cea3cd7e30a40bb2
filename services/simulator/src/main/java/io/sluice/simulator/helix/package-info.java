/**
 * The published policies, with the semantics of Helix's reference simulator (ASPLOS'25, section 6): Helix itself and the
 * schedulers it is compared with.
 */
package io.sluice.simulator.helix;
