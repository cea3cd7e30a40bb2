package io.sluice.sharing.policy;

import java.util.List;

/**
 * The policies by name.
 *
 * <table>
 * <caption>names</caption>
 * <tr><td>none</td><td>no best-effort work: the server alone</td></tr>
 * <tr><td>time-slicing</td><td>the driver's turns of contexts</td></tr>
 * <tr><td>mps, mps-priority</td><td>blocks of all processes at once, without and with priorities</td></tr>
 * <tr><td>tgs</td><td>rate control of best-effort blocks by the server's launch rate</td></tr>
 * <tr><td>orion, reef</td><td>kernel admission beside the server's kernels</td></tr>
 * <tr><td>tally</td><td>exclusive phases, transformed kernels; ablations tally-scheduling-only and tally-no-scheduling</td></tr>
 * <tr><td>sequential, block-wait, gpreempt</td><td>whole rounds, running blocks, context switches</td></tr>
 * <tr><td>eclip</td><td>kernels of two or three workers on masked pools, planned and chosen by what is measured</td></tr>
 * <tr><td>sluice</td><td>ours: the core's slice gate, batched launches that retreat, a two-stage conformal quota</td></tr>
 * </table>
 */
public final class SharingPolicies {
    /** Every name, in the order of the table. */
    public static final List<String> NAMES = List.of(
            "none",
            "time-slicing",
            "mps",
            "mps-priority",
            "tgs",
            "orion",
            "reef",
            "tally",
            "tally-scheduling-only",
            "tally-no-scheduling",
            "sequential",
            "block-wait",
            "gpreempt",
            "eclip",
            "sluice");

    private SharingPolicies() {}

    /** Streams of equal priority in one process: no preemption, as GPreempt's evaluation compares it. */
    public static SharingPolicy streamsOfOneProcess() {
        return new DirectPolicy(false, true, true);
    }

    /** A new policy of this name, for one run; ours without an objective keeps its first quota. */
    public static SharingPolicy named(String name) {
        return named(name, Long.MAX_VALUE);
    }

    /** A new policy of this name, for one run; ours keeps 99 % of the service times within {@code objectiveNanos}. */
    public static SharingPolicy named(String name, long objectiveNanos) {
        return switch (name) {
            case "none" -> new DirectPolicy(true, false);
            case "time-slicing" -> new TimeSlicingPolicy();
            case "mps" -> new DirectPolicy(false, true);
            case "mps-priority" -> new DirectPolicy(true, true);
            case "tgs" -> new RateLimitedPolicy();
            case "orion" -> new OrionPolicy(false);
            case "reef" -> new OrionPolicy(true);
            case "tally" -> new TallyPolicy(true, true, TallyPolicy.BOUND_NANOS);
            case "tally-scheduling-only" -> new TallyPolicy(false, true, TallyPolicy.BOUND_NANOS);
            case "tally-no-scheduling" -> new TallyPolicy(true, false, TallyPolicy.BOUND_NANOS);
            case "sequential" -> new SequentialPolicy();
            case "block-wait" -> new BlockWaitPolicy();
            case "gpreempt" -> new ContextPreemptionPolicy();
            case "eclip" -> new PoolPolicy(PoolPolicy.Choice.ADAPTIVE);
            case "sluice" -> new SluicePolicy(objectiveNanos);
            default -> throw new IllegalArgumentException("no sharing policy " + name + "; there are " + NAMES);
        };
    }
}
