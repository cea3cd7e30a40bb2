package io.sluice.sharing.gates;

import java.util.Locale;

/**
 * One figure of a gate: what the model gives, what was measured, and what would still be right.
 *
 * @param gate V1 to V9
 * @param what the figure
 * @param heldOut whether no number of the model was fitted to it
 * @param modelled the model's figure
 * @param published the measured one, its source is at {@link Published}; NaN: only its order was published
 * @param low least value that holds
 * @param high largest value that holds
 * @param why why the model's figure may be outside, in a sentence; empty: nobody knows
 */
public record GateCheck(
        String gate,
        String what,
        boolean heldOut,
        double modelled,
        double published,
        double low,
        double high,
        String why) {

    public GateCheck(
            String gate, String what, boolean heldOut, double modelled, double published, double low, double high) {
        this(gate, what, heldOut, modelled, published, low, high, "");
    }

    /** The same check with what is known of a figure that does not hold. */
    GateCheck because(String reason) {
        return new GateCheck(gate, what, heldOut, modelled, published, low, high, reason);
    }

    /** Whether the model's figure is within the bounds. */
    public boolean holds() {
        return modelled >= low && modelled <= high;
    }

    /** A check that holds within {@code tolerance} either way. */
    static GateCheck within(
            String gate, String what, boolean heldOut, double modelled, double published, double tolerance) {
        return new GateCheck(gate, what, heldOut, modelled, published, published - tolerance, published + tolerance);
    }

    /** A check that holds within a factor either way. */
    static GateCheck factor(
            String gate, String what, boolean heldOut, double modelled, double published, double factor) {
        return new GateCheck(gate, what, heldOut, modelled, published, published / factor, published * factor);
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%-3s %-5s %-10s %-58s model %9.3f  published %9.3f  holds in [%.3f, %.3f]%s",
                gate,
                holds() ? "holds" : "FAILS",
                heldOut ? "held-out" : "calibrated",
                what,
                modelled,
                published,
                low,
                high,
                holds() ? "" : "\n          why: " + (why.isEmpty() ? "not known" : why));
    }
}
