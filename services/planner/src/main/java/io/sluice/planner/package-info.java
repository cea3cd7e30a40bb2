/**
 * The flow-allocation job: members, placements and telemetry of every model in, verified and epoch-stamped allocations
 * out. {@link io.sluice.planner.FlowAllocationJob} is the graph, {@link io.sluice.planner.FlowAllocationFunction} the
 * keyed operator around {@link io.sluice.core.planning.FlowPlanner}, {@link io.sluice.planner.PlannerService} the life
 * cycle on a MiniCluster or an outside Flink cluster.
 */
package io.sluice.planner;
