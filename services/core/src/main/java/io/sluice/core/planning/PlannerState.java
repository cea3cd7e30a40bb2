package io.sluice.core.planning;

import io.sluice.core.WorkerId;
import java.util.Collections;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * All the planner knows of one model: members, placement, estimates, what it published last. Changed by {@link #apply}
 * only; not thread-safe.
 */
public final class PlannerState {
    private final String model;
    private final NavigableMap<WorkerId, Member> members = new TreeMap<>();
    private final NavigableMap<WorkerId, Presence> presences = new TreeMap<>();
    private final NavigableMap<LinkId, LinkEstimate> links = new TreeMap<>();
    private PlacementPlan placement;
    private long epoch;
    private Allocation published;
    private long publishedMillis;
    private boolean unsettled;
    private boolean unsound;

    /** @param epoch last epoch published by an earlier planner of this model; 0: none */
    public PlannerState(String model, long epoch) {
        this.model = Objects.requireNonNull(model, "model");
        if (epoch < 0) {
            throw new IllegalArgumentException("model " + model + ": epoch " + epoch + " must not be negative");
        }
        this.epoch = epoch;
    }

    /**
     * A worker as the planner sees it.
     *
     * @param lastSequence newest telemetry sequence of this incarnation; -1: none
     * @param seenMillis when it was last heard of, planner's clock
     * @param lastFault kind of the last refusal, null after an accepted report
     * @param presence of the process that announced itself
     */
    public record Member(
            MemberStatus status,
            CapacityEstimate capacity,
            long lastSequence,
            long seenMillis,
            Rejection.Kind lastFault,
            Presence.State presence) {
        public Member {
            Objects.requireNonNull(status, "status");
            Objects.requireNonNull(capacity, "capacity");
            Objects.requireNonNull(presence, "presence");
        }

        private Member with(Presence.State other) {
            return new Member(status, capacity, lastSequence, seenMillis, lastFault, other);
        }
    }

    /** A link by its ends. */
    public record LinkId(String from, String to) implements Comparable<LinkId> {
        @Override
        public int compareTo(LinkId other) {
            int byFrom = from.compareTo(other.from);
            return byFrom != 0 ? byFrom : to.compareTo(other.to);
        }
    }

    /** Takes {@code event} in. */
    public void apply(PlannerEvent event) {
        switch (event) {
            case PlannerEvent.Announced e -> announced(e.status(), e.seenMillis());
            case PlannerEvent.Attended e -> attended(e.presence());
            case PlannerEvent.Placed e -> {
                placement = e.plan();
                unsettled = true;
            }
            case PlannerEvent.DeviceMeasured e ->
                members.computeIfPresent(
                        e.sample().worker(),
                        (id, m) -> new Member(
                                m.status(), e.estimate(), e.sample().sequence(), e.seenMillis(), null, m.presence()));
            case PlannerEvent.LinkMeasured e -> links.put(new LinkId(e.from(), e.to()), e.estimate());
            case PlannerEvent.Refused e -> refused(e);
            case PlannerEvent.Examined e -> unsettled = false;
            case PlannerEvent.Unsound e -> unsound = true;
            case PlannerEvent.Published e -> {
                unsound = false;
                published = e.allocation();
                publishedMillis = e.atMillis();
                epoch = e.allocation().epoch();
                unsettled = false;
            }
        }
    }

    private void announced(MemberStatus status, long seenMillis) {
        Member known = members.get(status.worker());
        boolean same = known != null
                && known.status().incarnation() == status.incarnation()
                && known.status().prefillTokensPerSecond() == status.prefillTokensPerSecond()
                && known.status().decodeTokensPerSecond() == status.decodeTokensPerSecond()
                && known.status().cost().equals(status.cost());
        boolean sameStart = known != null && known.status().incarnation() == status.incarnation();
        if (!sameStart) {
            links.keySet()
                    .removeIf(link -> link.from().equals(status.worker().value())
                            || link.to().equals(status.worker().value()));
        }
        CapacityEstimate capacity = same
                ? known.capacity()
                : CapacityEstimator.announced(status.prefillTokensPerSecond(), status.decodeTokensPerSecond())
                        // Other layers are another speed, but the same requests.
                        .withTokens(
                                sameStart ? known.capacity().prefillTokens() : 0,
                                sameStart ? known.capacity().decodeTokens() : 0)
                        // A device that was slower than announced over its former layers is that over the new ones.
                        .scaled(
                                sameStart && !known.status().served().equals(status.served())
                                        ? known.capacity().speedFactor()
                                        : 1);
        long sequence = sameStart ? known.lastSequence() : -1;
        long seen = sameStart ? Math.max(known.seenMillis(), seenMillis) : seenMillis;
        members.put(status.worker(), new Member(status, capacity, sequence, seen, null, presence(status)));
        unsettled = true;
    }

    private void attended(Presence presence) {
        presences.put(presence.worker(), presence);
        members.computeIfPresent(presence.worker(), (id, m) -> m.with(presence(m.status())));
        unsettled = true;
    }

    /** Of the process that announced itself so. */
    private Presence.State presence(MemberStatus status) {
        Presence heard = presences.get(status.worker());
        return heard == null ? Presence.State.UNHEARD : heard.of(status.incarnation());
    }

    private void refused(PlannerEvent.Refused e) {
        members.replaceAll((id, m) -> id.value().equals(e.source())
                ? new Member(
                        m.status(),
                        m.capacity(),
                        m.lastSequence(),
                        m.seenMillis(),
                        e.rejection().kind(),
                        m.presence())
                : m);
    }

    /** Puts back what a snapshot holds; for codecs. */
    public void restore(PlacementPlan placement, Allocation published, long publishedMillis, boolean unsettled) {
        this.placement = placement;
        this.published = published;
        this.publishedMillis = publishedMillis;
        this.unsettled = unsettled;
    }

    /** Puts back what heartbeats have said, after the members; for codecs. */
    public void restorePresences(Iterable<Presence> heard) {
        heard.forEach(presence -> presences.put(presence.worker(), presence));
        members.replaceAll((id, m) -> m.with(presence(m.status())));
    }

    /** What heartbeats have said last, by worker; a live view, for reading. */
    public NavigableMap<WorkerId, Presence> presences() {
        return Collections.unmodifiableNavigableMap(presences);
    }

    public String model() {
        return model;
    }

    /** Last epoch published; 0: none. */
    public long epoch() {
        return epoch;
    }

    /** Members by id; a live view, for reading, and for codecs to fill. */
    public NavigableMap<WorkerId, Member> members() {
        return members;
    }

    /** Links measured; a live view, for reading, and for codecs to fill. */
    public NavigableMap<LinkId, LinkEstimate> links() {
        return links;
    }

    public Optional<PlacementPlan> placement() {
        return Optional.ofNullable(placement);
    }

    /** What was published last by this planner. */
    public Optional<Allocation> published() {
        return Optional.ofNullable(published);
    }

    /** When {@link #published()} was published, ms since the epoch, planner's clock. */
    public long publishedMillis() {
        return publishedMillis;
    }

    /** Whether the last solution failed verification; not part of snapshots. */
    public boolean unsound() {
        return unsound;
    }

    /** Whether members or placement changed since the graph was last looked at. */
    public boolean unsettled() {
        return unsettled;
    }
}
