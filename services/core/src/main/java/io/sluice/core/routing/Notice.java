package io.sluice.core.routing;

import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Members;
import io.sluice.core.recovery.Assignment;
import io.sluice.core.recovery.ResumeMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** One thing that a router tells one stage of a session. */
public sealed interface Notice {
    /** Whom. */
    Stage stage();

    /**
     * Token ids for the first stage, with the attempt's set-up.
     *
     * @param position of the first one among prompt and tokens
     * @param count how many
     */
    record Forward(Stage stage, int position, int count) implements Notice {}

    /** The set-up of an attempt whose first chunk comes from the stage before: fences older ones at once. */
    record Prepare(Stage stage) implements Notice {}

    /** Frees the session, whichever attempt up to this one the stage knows. */
    record Drop(Stage stage, int attempt) implements Notice {}

    /**
     * What the stages are told of a session's newest attempt, in this order: stages after the first that it goes on,
     * the first one where, workers of the former pipeline that are no longer used that it is over.
     *
     * @param tokens accepted so far; 0: the attempt begins with the prompt, and other stages hear of it from the stage
     *     before
     */
    static List<Notice> ofAttempt(RunningSession session, Pipeline former, int tokens) {
        Assignment now = session.life().assignments().getLast();
        List<Stage> stages = now.pipeline().stages();
        List<Notice> notices = new ArrayList<>();
        if (tokens == 0) {
            notices.add(new Forward(stages.getFirst(), 0, session.promptTokens()));
        } else {
            stages.stream().skip(1).forEach(stage -> notices.add(new Prepare(stage)));
            boolean keeps = now.stages().getFirst().mode() == ResumeMode.KEEP;
            notices.add(
                    keeps
                            ? new Forward(stages.getFirst(), now.position(), 1)
                            : new Forward(stages.getFirst(), 0, now.position() + 1));
        }
        Set<WorkerId> used = stages.stream().map(Stage::worker).collect(Collectors.toSet());
        for (Stage stage : former.stages()) {
            if (!used.contains(stage.worker())) {
                notices.add(new Drop(stage, now.attempt() - 1));
            }
        }
        return notices;
    }

    /**
     * What the stages are told at the end of a session: nothing where the last stage frees it along the pipeline; each
     * of them where that may stop on the way, where there were other attempts, or where the router ends it.
     *
     * @param newest highest attempt that workers may know
     */
    static List<Notice> ofEnd(RunningSession session, int newest, Members members) {
        boolean whole = session.pipeline().stages().stream().allMatch(stage -> members.isAlive(stage.worker()));
        boolean freesItself = session.life().phase() == SessionPhase.FINISHED && session.newestAttempt() == 1 && whole;
        return freesItself
                ? List.of()
                : session.pipeline().stages().stream()
                        .<Notice>map(stage -> new Drop(stage, newest))
                        .toList();
    }
}
