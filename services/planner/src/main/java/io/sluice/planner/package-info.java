/**
 * The planner's job: members, placements and telemetry of every model in, verified and epoch-stamped allocations out, and
 * where asked for placements that follow the workers. {@link io.sluice.planner.FlowAllocationJob} is the graph,
 * {@link io.sluice.planner.FlowAllocationFunction} the keyed operator around
 * {@link io.sluice.core.planning.FlowPlanner}, {@code PlacementFunction} that around
 * {@link io.sluice.core.planning.live.PlacementPlanner}, {@code LimitFunction} that around
 * {@link io.sluice.core.sharing.LimitPlanner}, keyed by worker, {@link io.sluice.planner.PlannerService} the life cycle on a
 * MiniCluster or an outside Flink cluster.
 */
package io.sluice.planner;
