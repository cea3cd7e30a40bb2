package io.sluice.clusters;

import java.util.List;

/**
 * A cluster or placement file is wrong. The message holds one line per problem, {@code file:line: path: what and
 * remedy}, in file order.
 */
public final class ClusterFileException extends IllegalArgumentException {
    private final List<String> problems;

    ClusterFileException(List<String> problems) {
        super(String.join("\n", problems));
        this.problems = List.copyOf(problems);
    }

    /** One line each. */
    public List<String> problems() {
        return problems;
    }
}
