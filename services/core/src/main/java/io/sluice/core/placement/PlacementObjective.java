package io.sluice.core.placement;

/** How good a layout is; larger is better. Deterministic and thread-safe. */
public interface PlacementObjective {
    /** Name, as users give it: {@code flow}, {@code serving}, ... */
    String name();

    /** Unit of the value, for people. */
    String unit();

    /** Value of the layout; 0 when it cannot serve at all. */
    double value(PlacementProblem problem, Layout layout);

    /** A value that no layout exceeds; infinite when none is known. */
    double upperBound(PlacementProblem problem);

    /** The same value for many layouts of one problem, with work done once; not thread-safe. */
    default LayoutScore on(PlacementProblem problem) {
        return (first, end) -> value(problem, Layout.of(first, end));
    }
}
