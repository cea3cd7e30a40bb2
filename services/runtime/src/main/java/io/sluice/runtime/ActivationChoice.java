package io.sluice.runtime;

/**
 * What hidden states travel as: one element type, always ({@link ActivationDtype}), or {@link #AUTO}: chosen for each link
 * by what was measured there. Only a fixed type makes two runs comparable number by number.
 */
public sealed interface ActivationChoice permits ActivationDtype, ActivationChoice.Auto {
    /** fp16, and int8 blocks on links where sending fp16 takes a notable part of a step. */
    Auto AUTO = Auto.AUTO;

    /** The element type as long as nothing was measured, and of every plan made beforehand. */
    ActivationDtype beforeMeasuring();

    /** The one instance of {@link ActivationChoice#AUTO}. */
    enum Auto implements ActivationChoice {
        AUTO;

        @Override
        public ActivationDtype beforeMeasuring() {
            return ActivationDtype.FP16;
        }

        @Override
        public String toString() {
            return "auto";
        }
    }

    /**
     * Reads {@code auto}, {@code fp16}, {@code fp32} or {@code int8}; {@code toString} gives the same word.
     *
     * @throws IllegalArgumentException when it is none of them; names them
     */
    static ActivationChoice parse(String text) {
        return switch (text.strip().toLowerCase(java.util.Locale.ROOT)) {
            case "auto" -> AUTO;
            case "fp16" -> ActivationDtype.FP16;
            case "fp32" -> ActivationDtype.FP32;
            case "int8" -> ActivationDtype.INT8_BLOCK;
            default ->
                throw new IllegalArgumentException(
                        "--activations '" + text + "' is not known; use auto, fp16, fp32 or int8");
        };
    }
}
