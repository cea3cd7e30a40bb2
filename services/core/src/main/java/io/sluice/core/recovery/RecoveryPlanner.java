package io.sluice.core.recovery;

import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Decides what each stage of a new pipeline does with a session that lost some of its old ones. Petals (Borzunov et
 * al., NeurIPS'23, algorithm 1) replays what the client kept; here the inputs of a lost stage are records of its topic,
 * so that only the lost layers compute again and every healthy stage keeps its KV cache.
 *
 * <p>A stage keeps its cache where worker and layers are those of the attempt before and a token has come of it; it
 * rebuilds where the log holds
 * its inputs; else the stage before must send everything again, which that one can only do if it computes everything
 * again itself. Where all of this would take longer than sending prompt and tokens through the whole pipeline, or
 * nothing has been generated yet, the session starts from its prompt and its tokens. Stateless.
 */
public final class RecoveryPlanner {
    private RecoveryPlanner() {}

    /**
     * @param assignments the attempts so far, oldest first; the last one is interrupted
     * @param steps one per accepted token, in order
     * @param promptTokens length of the prompt
     * @param pipeline that the session gets
     * @param lost workers whose KV cache of this session is gone, though they may be in the new pipeline
     * @param logUsable false when a stage has reported that the log is gone: then only a replay is left
     */
    public static RecoveryPlan plan(
            List<Assignment> assignments,
            List<StepTrace> steps,
            int promptTokens,
            Pipeline pipeline,
            Set<WorkerId> lost,
            boolean logUsable,
            RecoveryCosts costs) {
        String what = lost.isEmpty() ? "no progress" : "lost " + names(lost);
        int attempt = assignments.getLast().attempt() + 1;
        return plan(attempt, what, assignments, steps, promptTokens, pipeline, lost, logUsable, costs);
    }

    /**
     * As above.
     *
     * @param attempt its number, above that of the last one
     * @param what has happened, for people
     */
    public static RecoveryPlan plan(
            int attempt,
            String what,
            List<Assignment> assignments,
            List<StepTrace> steps,
            int promptTokens,
            Pipeline pipeline,
            Set<WorkerId> lost,
            boolean logUsable,
            RecoveryCosts costs) {
        if (steps.isEmpty()) {
            return new RecoveryPlan(
                    Assignment.fresh(attempt, pipeline),
                    replaySeconds(pipeline, promptTokens, costs),
                    what + " before the first token: starts again from its prompt");
        }
        int position = promptTokens + steps.size() - 1;
        Assignment replay = new Assignment(
                attempt,
                pipeline,
                position,
                pipeline.stages().stream().map(stage -> StageResume.fresh()).toList());
        double replaySeconds = replaySeconds(pipeline, position + 1, costs);
        List<StageResume> stages = new ArrayList<>();
        double seconds = resume(assignments, steps, position, pipeline, lost, logUsable, costs, stages);
        boolean anySaved = stages.stream().anyMatch(stage -> stage.mode() != ResumeMode.FRESH);
        if (!anySaved || seconds > replaySeconds) {
            String why = !anySaved
                    ? (logUsable ? "no stage can be kept or rebuilt" : "the log no longer reaches back")
                    : String.format(
                            Locale.ROOT, "cheaper than rebuilding, %.3f against %.3f s", replaySeconds, seconds);
            return new RecoveryPlan(
                    replay,
                    replaySeconds,
                    what + " after " + steps.size() + " tokens: replays " + (position + 1)
                            + " positions of prompt and tokens, " + why);
        }
        return new RecoveryPlan(
                new Assignment(attempt, pipeline, position, stages),
                seconds,
                what + " after " + steps.size() + " tokens: " + describe(pipeline, stages)
                        + String.format(Locale.ROOT, ", %.3f s against %.3f s of replay", seconds, replaySeconds));
    }

    /** Fills {@code stages}; returns the seconds before the next token. */
    private static double resume(
            List<Assignment> assignments,
            List<StepTrace> steps,
            int position,
            Pipeline pipeline,
            Set<WorkerId> lost,
            boolean logUsable,
            RecoveryCosts costs,
            List<StageResume> stages) {
        Assignment last = assignments.getLast();
        double seconds = 0;
        boolean nextNeedsAll = false;
        List<StageResume> reversed = new ArrayList<>();
        for (int i = pipeline.stages().size() - 1; i >= 0; i--) {
            Stage stage = pipeline.stages().get(i);
            boolean kept = !nextNeedsAll
                    && !lost.contains(stage.worker())
                    && last.pipeline().stages().contains(stage)
                    && hasState(assignments, steps, stage);
            if (kept) {
                reversed.add(StageResume.keep(position));
                continue;
            }
            // The router has what the first stage takes: the prompt and the tokens.
            Optional<List<LogRange>> log = i == 0 || !logUsable
                    ? Optional.empty()
                    : LogIndex.ranges(assignments, steps, stage.layers().first());
            seconds += costs.computeSeconds(stage, position)
                    + (log.isEmpty()
                            ? costs.transferSeconds(stage.worker(), position)
                            : costs.logSeconds(stage.worker(), records(log.get()), position));
            reversed.add(
                    log.map(ranges -> StageResume.rebuild(position, ranges)).orElse(StageResume.fresh()));
            nextNeedsAll = log.isEmpty();
        }
        stages.addAll(reversed.reversed());
        return seconds;
    }

    /**
     * Whether a token proves that the stage has its KV cache: one of the attempt in which it last began with an empty
     * one. A rebuild that was interrupted itself has led to none.
     */
    private static boolean hasState(List<Assignment> assignments, List<StepTrace> steps, Stage stage) {
        for (Assignment assignment : assignments.reversed()) {
            int index = assignment.pipeline().stages().indexOf(stage);
            if (index < 0) {
                return false;
            }
            if (assignment.stages().get(index).mode() != ResumeMode.KEEP) {
                return steps.stream().anyMatch(assignment::ledTo);
            }
        }
        return false;
    }

    private static long records(List<LogRange> ranges) {
        return ranges.stream().mapToLong(LogRange::records).sum();
    }

    private static double replaySeconds(Pipeline pipeline, int tokens, RecoveryCosts costs) {
        double seconds = 0;
        for (Stage stage : pipeline.stages()) {
            seconds += costs.computeSeconds(stage, tokens) + costs.transferSeconds(stage.worker(), tokens);
        }
        return seconds;
    }

    private static String names(Set<WorkerId> workers) {
        return workers.stream().map(WorkerId::value).sorted().collect(Collectors.joining(", "));
    }

    private static String describe(Pipeline pipeline, List<StageResume> stages) {
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < stages.size(); i++) {
            Stage stage = pipeline.stages().get(i);
            StageResume resume = stages.get(i);
            switch (resume.mode()) {
                case KEEP -> {}
                case FRESH -> parts.add(stage + " computes all positions again");
                case REBUILD -> parts.add(stage + " rebuilds " + resume.start() + " positions from " + resume.log());
            }
        }
        return parts.isEmpty() ? "every stage keeps its KV cache" : String.join("; ", parts);
    }
}
