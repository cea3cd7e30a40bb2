package io.sluice.core.planning.live;

import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlannerEvent;
import io.sluice.core.planning.PlannerState;
import io.sluice.core.planning.PublishedPlacement;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * All the placement planner knows of one model. What is under way is in the newest placement, which the topic keeps; so a
 * planner that starts anew goes on where another one stopped. Changed by {@link #apply} only; not thread-safe.
 */
public final class PlacementState {
    /** How long a worker that did not do its part keeps what it has. */
    public static final long STALLED_MILLIS = 600_000;

    private final PlannerState seen;
    private final NavigableMap<WorkerId, Long> stalledUntil = new TreeMap<>();
    private PublishedPlacement placement;
    private long placedMillis;
    private long begunMillis;
    private boolean moving;
    private long heldMillis;
    private long decidedMillis;
    private Watch watch = Watch.NONE;
    private Trigger trigger;
    private long searches;
    private Search search;

    public PlacementState(String model) {
        this(new PlannerState(model, 0));
    }

    /** With what was known of members and links; for codecs. */
    public PlacementState(PlannerState seen) {
        this.seen = seen;
    }

    /** A search under way. */
    public record Search(long id, Trigger trigger, long atMillis) {}

    /**
     * What a snapshot holds beside members, links and stalled workers.
     *
     * @param placement newest, null: none
     * @param placedMillis when it was published or seen
     * @param begunMillis when the transition began that it belongs to
     * @param moving whether it waits for workers to carry it out
     * @param heldMillis since when the next step is held back; 0: it is not
     * @param decidedMillis when a search was last decided on
     * @param trigger null: none waits
     * @param search null: none under way
     */
    public record Rest(
            PublishedPlacement placement,
            long placedMillis,
            long begunMillis,
            boolean moving,
            long heldMillis,
            long decidedMillis,
            Watch watch,
            Trigger trigger,
            long searches,
            Search search) {}

    /** For codecs. */
    public Rest rest() {
        return new Rest(
                placement,
                placedMillis,
                begunMillis,
                moving,
                heldMillis,
                decidedMillis,
                watch,
                trigger,
                searches,
                search);
    }

    /** For codecs. */
    public void restore(Rest rest) {
        placement = rest.placement();
        placedMillis = rest.placedMillis();
        begunMillis = rest.begunMillis();
        moving = rest.moving();
        heldMillis = rest.heldMillis();
        decidedMillis = rest.decidedMillis();
        watch = rest.watch();
        trigger = rest.trigger();
        searches = rest.searches();
        search = rest.search();
    }

    /** Takes {@code event} in. */
    public void apply(PlacementEvent event) {
        switch (event) {
            case PlacementEvent.Observed e -> seen.apply(e.event());
            case PlacementEvent.Adopted e -> {
                boolean first = placement == null;
                place(e.placement(), e.atMillis());
                begunMillis = e.atMillis();
                decidedMillis = first ? 0 : e.atMillis();
            }
            case PlacementEvent.Watched e -> watch = e.watch();
            case PlacementEvent.Triggered e -> trigger(e.trigger());
            case PlacementEvent.SearchRequested e -> {
                searches = e.task().id();
                watch = watch.searching(Searched.of(e.task().cluster(), e.atMillis()));
                search = new Search(e.task().id(), e.trigger(), e.atMillis());
                trigger = null;
            }
            case PlacementEvent.Declined e -> decided(e.atMillis());
            case PlacementEvent.Outdated e -> {
                search = null;
                watch = watch.searching(Searched.NONE);
                trigger(e.trigger());
            }
            case PlacementEvent.Begun e -> {
                decided(e.atMillis());
                place(e.first(), e.atMillis());
                begunMillis = e.atMillis();
            }
            case PlacementEvent.Stepped e -> place(e.placement(), e.atMillis());
            case PlacementEvent.Held e -> heldMillis = e.atMillis();
            case PlacementEvent.Arrived e -> {
                moving = false;
                watch = watch.renewed();
            }
            case PlacementEvent.Abandoned e -> {
                e.placement().ifPresentOrElse(p -> place(p, e.atMillis()), () -> moving = false);
                e.stalled().ifPresent(worker -> stalledUntil.put(worker, e.atMillis() + STALLED_MILLIS));
                trigger(e.trigger());
            }
        }
    }

    private void place(PublishedPlacement newer, long atMillis) {
        placement = newer;
        placedMillis = atMillis;
        moving = true;
        heldMillis = 0;
        seen.apply(new PlannerEvent.Placed(newer.plan()));
    }

    private void decided(long atMillis) {
        search = null;
        decidedMillis = atMillis;
        watch = watch.renewed();
    }

    private void trigger(Trigger more) {
        trigger = trigger == null ? more : trigger.and(more);
    }

    /** Members and links; for reading, and for codecs. */
    public PlannerState seen() {
        return seen;
    }

    public String model() {
        return seen.model();
    }

    /** Newest placement, published or seen. */
    public Optional<PublishedPlacement> placement() {
        return Optional.ofNullable(placement);
    }

    public long placedMillis() {
        return placedMillis;
    }

    public long begunMillis() {
        return begunMillis;
    }

    /** Whether workers have yet to carry the newest placement out. */
    public boolean moving() {
        return moving;
    }

    /** Since when the next step is held back; 0: it is not. */
    public long heldMillis() {
        return heldMillis;
    }

    public long decidedMillis() {
        return decidedMillis;
    }

    public Watch watch() {
        return watch;
    }

    /** What waits for a search. */
    public Optional<Trigger> trigger() {
        return Optional.ofNullable(trigger);
    }

    /** Id of the last search; 0: none yet. */
    public long searches() {
        return searches;
    }

    public Optional<Search> search() {
        return Optional.ofNullable(search);
    }

    /** Workers that did not do their part, and until when they keep what they have; for reading, and for codecs. */
    public NavigableMap<WorkerId, Long> stalledUntil() {
        return stalledUntil;
    }
}
