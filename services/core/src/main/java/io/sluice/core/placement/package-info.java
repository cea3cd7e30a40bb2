/**
 * Placement: which node holds which layers. A {@link io.sluice.core.placement.PlacementProblem} is a cluster, a model and
 * what the owner forbids; a {@link io.sluice.core.placement.PlacementMethod} finds a {@link io.sluice.core.placement.Layout};
 * a {@link io.sluice.core.placement.PlacementObjective} says how good one is. The same code places live, offline and in
 * simulation.
 */
package io.sluice.core.placement;
