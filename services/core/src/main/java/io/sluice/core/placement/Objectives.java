package io.sluice.core.placement;

import java.util.ArrayList;
import java.util.List;

/** Objectives by the names users give. Stateless and thread-safe. */
public final class Objectives {
    /** Name of {@link #flowWithinLatency}, followed by a colon and seconds. */
    public static final String WITHIN_LATENCY = "flow-within-latency";

    private static final double DEFAULT_LATENCY_SECONDS = 1;

    private Objectives() {}

    /** Every name, in the order to list them. */
    public static List<String> names() {
        return List.of(
                "serving", "serving-helix", "flow", "flow-per-cost", "flow-per-watt", WITHIN_LATENCY + ":SECONDS");
    }

    /**
     * The objective of this name.
     *
     * @throws IllegalArgumentException when there is none; the message lists them
     */
    public static PlacementObjective byName(String name) {
        if (name.equals(WITHIN_LATENCY) || name.startsWith(WITHIN_LATENCY + ":")) {
            return flowWithinLatency(seconds(name.substring(WITHIN_LATENCY.length())));
        }
        return switch (name) {
            case "flow" -> flow();
            case "flow-per-cost" -> new FlowPerCost(FlowPerCost.Spent.PRICE);
            case "flow-per-watt" -> new FlowPerCost(FlowPerCost.Spent.WATTS);
            case "serving" -> serving(ServingEstimate.Scheduling.SLUICE);
            case "serving-helix" -> serving(ServingEstimate.Scheduling.HELIX);
            default ->
                throw new IllegalArgumentException(
                        "no objective '" + name + "'; choose one of " + new ArrayList<>(names()));
        };
    }

    private static double seconds(String text) {
        if (text.isEmpty()) {
            return DEFAULT_LATENCY_SECONDS;
        }
        try {
            return Double.parseDouble(text.substring(1));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "objective " + WITHIN_LATENCY + text + ": after the colon a number of seconds is needed", e);
        }
    }

    /** Maximum flow, tokens/s. */
    public static PlacementObjective flow() {
        return new Flow();
    }

    /**
     * Flow over pipelines whose unloaded time for a decode step is at most {@code seconds}: a lower bound, found by
     * sending as much as fits over the fastest pipeline, again and again.
     */
    public static PlacementObjective flowWithinLatency(double seconds) {
        return new FlowWithinLatency(seconds);
    }

    /** Decode tokens/s that a {@link ServingEstimate} predicts. */
    public static PlacementObjective serving(ServingEstimate.Scheduling scheduling) {
        return new Serving(scheduling);
    }

    private record Flow() implements PlacementObjective {
        @Override
        public String name() {
            return "flow";
        }

        @Override
        public String unit() {
            return "tokens/s";
        }

        @Override
        public double value(PlacementProblem problem, Layout layout) {
            return new LayoutFlow(problem).value(layout);
        }

        @Override
        public double upperBound(PlacementProblem problem) {
            return FlowBounds.flow(problem);
        }

        @Override
        public LayoutScore on(PlacementProblem problem) {
            LayoutFlow flow = new LayoutFlow(problem);
            return flow::value;
        }
    }

    private record Serving(ServingEstimate.Scheduling scheduling) implements PlacementObjective {
        @Override
        public String name() {
            return scheduling.equals(ServingEstimate.Scheduling.HELIX) ? "serving-helix" : "serving";
        }

        @Override
        public String unit() {
            return "decode tokens/s";
        }

        @Override
        public double value(PlacementProblem problem, Layout layout) {
            return new ServingEstimate(problem, scheduling).estimate(layout).decodeTokensPerSecond();
        }

        /** No more is served than flows. */
        @Override
        public double upperBound(PlacementProblem problem) {
            return ServingEstimate.upperBound(problem);
        }

        @Override
        public LayoutScore on(PlacementProblem problem) {
            ServingEstimate estimate = new ServingEstimate(problem, scheduling);
            return estimate::decodeTokensPerSecond;
        }
    }
}
