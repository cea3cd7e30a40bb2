/**
 * Placement rules of published systems and quick ones of our own, each a
 * {@link io.sluice.core.placement.PlacementMethod}: baselines to compare with and starts for searches.
 */
package io.sluice.core.placement.heuristics;
