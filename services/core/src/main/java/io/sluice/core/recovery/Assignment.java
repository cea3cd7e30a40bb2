package io.sluice.core.recovery;

import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import java.util.List;
import java.util.Objects;

/**
 * One attempt of a session: its pipeline, and what each stage began with. Immutable.
 *
 * @param attempt fencing number, from 1
 * @param position first position whose output was new; 0 for an attempt from nothing
 * @param stages one per stage of the pipeline, in its order
 */
public record Assignment(int attempt, Pipeline pipeline, int position, List<StageResume> stages) {
    public Assignment {
        Objects.requireNonNull(pipeline, "pipeline");
        stages = List.copyOf(stages);
        if (attempt < 1 || position < 0 || stages.size() != pipeline.stages().size()) {
            throw new IllegalArgumentException("attempt " + attempt + " at position " + position + " over "
                    + pipeline.stages() + " with " + stages.size()
                    + " starts: attempts count from 1, positions from 0, and each stage has one start");
        }
    }

    /** An attempt from nothing. */
    public static Assignment fresh(int attempt, Pipeline pipeline) {
        return new Assignment(
                attempt,
                pipeline,
                0,
                pipeline.stages().stream().map(stage -> StageResume.fresh()).toList());
    }

    /**
     * Whether the step was one of this attempt. Its number alone does not say so: a crash of the router undoes the
     * record of an attempt whose chunks workers have read, and the number is given once more, to another pipeline.
     */
    boolean ledTo(StepTrace step) {
        List<Stage> passed = pipeline.stages();
        if (step.attempt() != attempt || step.hops().size() != passed.size()) {
            return false;
        }
        for (int i = 0; i < passed.size(); i++) {
            if (!step.hops().get(i).worker().equals(passed.get(i).worker())) {
                return false;
            }
        }
        return true;
    }
}
