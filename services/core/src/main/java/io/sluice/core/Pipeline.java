package io.sluice.core;

import java.util.List;

/** The ordered stages one session uses: they cover {@code [0, layerCount)} without gap or overlap. Immutable. */
public record Pipeline(List<Stage> stages) {
    public Pipeline {
        stages = List.copyOf(stages);
        if (stages.isEmpty()) {
            throw new IllegalArgumentException("a pipeline needs at least one stage");
        }
        int next = 0;
        for (Stage stage : stages) {
            if (stage.layers().first() != next) {
                throw new IllegalArgumentException("pipeline " + stages + " must enter layer " + next + " at " + stage
                        + ": stages cover every layer once, in order");
            }
            next = stage.layers().end();
        }
    }

    /** Number of layers the pipeline covers. */
    public int layerCount() {
        return stages.getLast().layers().end();
    }

    public Stage first() {
        return stages.getFirst();
    }

    public Stage last() {
        return stages.getLast();
    }
}
