package io.sluice.clusters;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;

/**
 * One published result: what the simulator of Helix's artefact measured for a layout. Immutable. Columns as in
 * {@code reference_results.csv}; latencies are seconds, rates tokens per second.
 *
 * @param method for example {@code helix}, or {@code petals_placement+helix_scheduler}
 * @param mode {@code offline} or {@code online}
 * @param source {@code rerun} or {@code upstream_readme} (then most columns are empty)
 */
public record ReferenceRow(String cluster, String model, String method, String mode, String source, Columns columns) {
    public ReferenceRow {
        Objects.requireNonNull(columns, "columns");
    }

    /** Cells by column name. */
    @FunctionalInterface
    public interface Columns {
        /** The cell; empty when there is none. */
        String text(String column);
    }

    /**
     * Generated tokens per second: the re-run, or what the artefact printed where there is none. Every row has one.
     */
    public double decodeTokensPerSecond() {
        return number("decode_tokens_per_s")
                .orElseGet(() -> number("upstream_readme_decode_tokens_per_s").orElseThrow());
    }

    /** The cell of {@code column} as a number; empty where nothing was published. */
    public OptionalDouble number(String column) {
        String text = columns.text(column);
        return text.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(Double.parseDouble(text));
    }

    /** Names in the order of the {@code sub_*} columns, for example {@code [a100, l4, t4]}; {@code [all]}: one run. */
    public List<String> subClusters() {
        return split("sub_clusters");
    }

    /** The cell of a {@code sub_*} column, one number per sub-cluster; empty where nothing was published. */
    public List<Double> numbers(String column) {
        return split(column).stream().map(Double::valueOf).toList();
    }

    private List<String> split(String column) {
        String text = columns.text(column);
        return text.isEmpty() ? List.of() : Arrays.asList(text.split(";"));
    }
}
