package io.sluice.core.slo;

import io.sluice.core.WorkerId;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * What a record with one position of a session takes from one worker to the next, learnt from the steps themselves: an
 * exponential mean over about the last {@value #STEPS} of each link. Keeps the {@value #MOST_LINKS} links seen last. Not
 * thread-safe.
 */
public final class LinkTimes {
    private static final int STEPS = 16;
    private static final int MOST_LINKS = 4_096;
    private static final double MOST_SECONDS = 60;

    private record Link(String from, String to) {}

    private final Map<Link, Double> seconds = new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Link, Double> eldest) {
            return size() > MOST_LINKS;
        }
    };

    /**
     * A step crossed a link.
     *
     * @param from worker id, or the router's name
     * @param micros by two clocks; negative ones count as nothing, absurdly long ones are not counted
     */
    public void seen(String from, WorkerId to, long micros) {
        double took = Math.max(0, micros / 1e6);
        if (took <= MOST_SECONDS) {
            seconds.merge(new Link(from, to.value()), took, (old, now) -> old + (now - old) / STEPS);
        }
    }

    /** What it takes usually, s; empty: none was seen. */
    public OptionalDouble seconds(String from, WorkerId to) {
        Double known = seconds.get(new Link(from, to.value()));
        return known == null ? OptionalDouble.empty() : OptionalDouble.of(known);
    }
}
