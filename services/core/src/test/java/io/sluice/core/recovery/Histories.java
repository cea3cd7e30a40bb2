package io.sluice.core.recovery;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import java.util.ArrayList;
import java.util.List;

/** Pipelines and steps in few words for tests: {@code "a:0-2"} is a stage, {@code "a@4"} a hop at offset 4. */
final class Histories {
    private Histories() {}

    static Pipeline pipeline(String... stages) {
        List<Stage> all = new ArrayList<>();
        for (String stage : stages) {
            all.add(stage(stage));
        }
        return new Pipeline(all);
    }

    static Stage stage(String text) {
        String[] parts = text.split(":");
        return new Stage(new WorkerId(parts[0]), LayerRange.parse(parts[1]));
    }

    /** {@code worker@offset}, or {@code worker@first+offset} with the offset of the attempt's first chunk. */
    static StepTrace step(int attempt, String... hops) {
        List<StepTrace.Hop> all = new ArrayList<>();
        for (String hop : hops) {
            String[] parts = hop.split("[@+]");
            long offset = Long.parseLong(parts[parts.length - 1]);
            all.add(new StepTrace.Hop(new WorkerId(parts[0]), Long.parseLong(parts[1]), offset));
        }
        return new StepTrace(attempt, all);
    }
}
