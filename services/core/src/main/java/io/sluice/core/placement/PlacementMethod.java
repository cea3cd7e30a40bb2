package io.sluice.core.placement;

/**
 * A way to place a model. Deterministic for a seed unless time ends it; a method whose rule knows no objective builds its
 * layout and reports that layout's value. Implementations say whether they are thread-safe.
 */
public interface PlacementMethod {
    /** Name, as users give it: {@code milp}, {@code petals}, ... */
    String name();

    /** One sentence for {@code --help}, with its source. */
    String description();

    /** Places the model. */
    PlacementOutcome place(PlacementProblem problem, PlacementObjective objective, SearchControl control);
}
