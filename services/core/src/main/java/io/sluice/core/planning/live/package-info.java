/**
 * Placement while everything runs: what makes the planner place again, whether a new layout is worth the move, and the
 * way there, step by step. {@link io.sluice.core.planning.live.PlacementPlanner} decides;
 * {@link io.sluice.core.planning.live.PlacementState#apply} is the only change of state.
 */
package io.sluice.core.planning.live;
