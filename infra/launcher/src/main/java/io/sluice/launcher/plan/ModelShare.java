package io.sluice.launcher.plan;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * A model to be placed and its part of the demand, as {@code --model NAME} or {@code --model NAME=WEIGHT} says it.
 *
 * @param weight part of all tokens, relative to the other models'; positive
 */
record ModelShare(String name, double weight) {
    /**
     * Reads the flags.
     *
     * @param otherwise the weight of a model whose flag has none
     * @throws IllegalArgumentException when a name is given twice or a weight is no positive number
     */
    static List<ModelShare> parse(List<String> flags, ToDoubleFunction<String> otherwise) {
        List<ModelShare> shares = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (String flag : flags) {
            int equals = flag.lastIndexOf('=');
            String name = equals < 0 ? flag : flag.substring(0, equals);
            double weight = equals < 0 ? otherwise.applyAsDouble(name) : weight(flag, flag.substring(equals + 1));
            if (name.isBlank() || !seen.add(name)) {
                throw new IllegalArgumentException("--model " + flag + ": a name that is given once is needed");
            }
            shares.add(new ModelShare(name, weight));
        }
        return List.copyOf(shares);
    }

    private static double weight(String flag, String text) {
        try {
            double weight = Double.parseDouble(text);
            if (weight > 0 && !Double.isInfinite(weight)) {
                return weight;
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("--model " + flag + ": '" + text + "' is no weight, for example 0.7", e);
        }
        throw new IllegalArgumentException("--model " + flag + ": the weight must be a positive number");
    }
}
