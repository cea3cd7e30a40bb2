package io.sluice.core.sharing;

/**
 * How kernel groups are placed on pools. Immutable.
 *
 * @param dwellNanos how long a plan stays, at least, and how long a size is tried
 * @param hysteresis gain below which a plan stays as it is
 * @param switchBudget changes of pool that a tenant may make in one round of its groups
 * @param switchNanos what such a change costs in a second of work
 * @param nanosPerJoule how much time a joule is worth, 0: nothing
 */
public record GroupPoolPolicy(
        long dwellNanos, double hysteresis, int switchBudget, double switchNanos, double nanosPerJoule) {
    /** Some ten times in a second that a batch is handed from one thread to another, 0.1 ms each. An assumption. */
    public static final double USUAL_SWITCH_NANOS = 1_000_000;

    public GroupPoolPolicy {
        Shares.notNegative("dwell in ns", dwellNanos);
        Shares.ratio("hysteresis", hysteresis);
        Shares.notNegative("switch budget", switchBudget);
        Shares.notNegative("cost of a switch in ns", switchNanos);
        Shares.notNegative("ns per joule", nanosPerJoule);
    }

    /** Every group of a tenant may have a pool of its own; energy is worth nothing. */
    public static GroupPoolPolicy usual(long dwellNanos, double hysteresis) {
        return new GroupPoolPolicy(
                dwellNanos, hysteresis, GroupPoolState.MOST_GROUPS_OF_A_TENANT - 1, USUAL_SWITCH_NANOS, 0);
    }
}
