package io.sluice.core.planning.live;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import java.util.Collections;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What is compared to notice events: the members at the last look, and their speeds and the demand at the last decision.
 * Immutable.
 *
 * @param members live at the last look
 * @param promptShare share of prompt tokens at the last decision; negative: it was not known then
 * @param uncoveredMillis since when some layer is served by nobody; 0: none is
 * @param demand as it is now
 * @param searched what was last searched
 * @param steadiness of workers that went of late
 */
public record Watch(
        NavigableMap<WorkerId, Seen> members,
        double promptShare,
        long uncoveredMillis,
        Demand demand,
        Searched searched,
        NavigableMap<WorkerId, Steadiness> steadiness) {
    /** Nothing seen yet. */
    public static final Watch NONE = new Watch(new TreeMap<>(), -1, 0, Demand.NONE, Searched.NONE, new TreeMap<>());

    public Watch {
        members = Collections.unmodifiableNavigableMap(new TreeMap<>(members));
        steadiness = Collections.unmodifiableNavigableMap(new TreeMap<>(steadiness));
    }

    /** Where nothing is known of departures. */
    public Watch(
            NavigableMap<WorkerId, Seen> members,
            double promptShare,
            long uncoveredMillis,
            Demand demand,
            Searched searched) {
        this(members, promptShare, uncoveredMillis, demand, searched, new TreeMap<>());
    }

    /** Whether a worker comes and goes so often that it is held still. */
    boolean held(WorkerId worker) {
        return steadiness.getOrDefault(worker, Steadiness.STEADY).held();
    }

    /**
     * A live member.
     *
     * @param served at the last look
     * @param layerSpeed of one layer at the last decision, tokens/s
     * @param driftedMillis since when it is different; 0: it is not
     */
    public record Seen(Optional<LayerRange> served, double layerSpeed, long driftedMillis) {}

    /** The same members, with the present speeds and demand to be taken as new. */
    Watch renewed() {
        NavigableMap<WorkerId, Seen> fresh = new TreeMap<>();
        members.forEach((id, seen) -> fresh.put(id, new Seen(seen.served(), 0, 0)));
        double share = demand.promptShare() < 0 ? promptShare : demand.promptShare();
        return new Watch(fresh, share, uncoveredMillis == 0 ? 0 : -1, demand, searched, steadiness);
    }

    /** With what is being searched now. */
    Watch searching(Searched situation) {
        return new Watch(members, promptShare, uncoveredMillis, demand, situation, steadiness);
    }
}
