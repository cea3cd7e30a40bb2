package io.sluice.planner;

import io.sluice.core.planning.PublishedPlacement;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/** What the metrics of one model's placement show. Written by the operator's thread, read by reporters. */
final class PlacementFigures {
    private final Counter searches;
    private final Counter transitions;
    private final Counter published;
    private volatile long epoch;
    private volatile int stepsToCome;
    private volatile double floor;
    private volatile double searchSeconds;
    private volatile double gain;
    private volatile double transitionSeconds;

    PlacementFigures(MetricGroup group) {
        searches = group.counter("placement_searches");
        transitions = group.counter("placement_transitions");
        published = group.counter("placement_steps");
        group.gauge("placement_epoch", () -> epoch);
        group.gauge("placement_steps_to_come", () -> stepsToCome);
        group.gauge("placement_floor_tokens_per_second", () -> floor);
        group.gauge("placement_search_seconds", () -> searchSeconds);
        group.gauge("placement_gain", () -> gain);
        group.gauge("placement_transition_seconds", () -> transitionSeconds);
    }

    void searched(double seconds) {
        searches.inc();
        searchSeconds = seconds;
    }

    /** @param relativeGain in flow; infinite where nothing passed before, shown as 0 */
    void begun(double relativeGain) {
        transitions.inc();
        gain = Double.isInfinite(relativeGain) ? 0 : relativeGain;
    }

    void placed(PublishedPlacement placement) {
        published.inc();
        epoch = placement.plan().epoch();
        stepsToCome = placement.transition().steps().size();
        floor = placement.transition().floorTokensPerSecond();
    }

    void arrived(long tookMillis) {
        transitionSeconds = tookMillis / 1e3;
    }
}
