package io.sluice.core;

/** A half-open range of transformer layers {@code [first, end)}, 0-based and never empty. Immutable. */
public record LayerRange(int first, int end) implements Comparable<LayerRange> {
    public LayerRange {
        if (first < 0 || end <= first) {
            throw new IllegalArgumentException("layer range [" + first + ", " + end + ") must have 0 <= first < end");
        }
    }

    /** Number of layers in the range. */
    public int size() {
        return end - first;
    }

    public boolean contains(int layer) {
        return layer >= first && layer < end;
    }

    /** Reads {@code FIRST-END}, for example {@code 0-3} for layers 0, 1 and 2. */
    public static LayerRange parse(String text) {
        int dash = text.indexOf('-');
        try {
            return new LayerRange(
                    Integer.parseInt(text.substring(0, dash).trim()),
                    Integer.parseInt(text.substring(dash + 1).trim()));
        } catch (IndexOutOfBoundsException | NumberFormatException e) {
            throw new IllegalArgumentException(
                    "layers '" + text + "' must be FIRST-END with END exclusive, for example 0-3", e);
        }
    }

    @Override
    public int compareTo(LayerRange other) {
        return first != other.first ? Integer.compare(first, other.first) : Integer.compare(end, other.end);
    }

    @Override
    public String toString() {
        return "[" + first + ", " + end + ")";
    }
}
