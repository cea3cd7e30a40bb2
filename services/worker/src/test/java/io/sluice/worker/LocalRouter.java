package io.sluice.worker;

import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.Assignment;
import io.sluice.core.recovery.RecoveryCosts;
import io.sluice.core.recovery.RecoveryPlan;
import io.sluice.core.recovery.RecoveryPlanner;
import io.sluice.core.recovery.ResumeMode;
import io.sluice.core.recovery.StepTrace;
import io.sluice.messaging.ResumeCodec;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.SessionResume;
import io.sluice.records.SessionSetup;
import io.sluice.records.Token;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The router's part in the life of one session, over a {@link LocalCluster}: what it sends, and what it accepts. */
final class LocalRouter {
    private final LocalCluster cluster;
    private final String session;
    private final List<Integer> prompt;
    private final SessionSetup template;
    final List<Assignment> assignments = new ArrayList<>();
    final List<StepTrace> steps = new ArrayList<>();
    final List<Integer> ids = new ArrayList<>();
    final StringBuilder text = new StringBuilder();
    boolean finished;
    boolean logUsable = true;

    /** @param template set-up of the session but for its pipeline */
    LocalRouter(LocalCluster cluster, String session, List<Integer> prompt, SessionSetup template) {
        this.cluster = cluster;
        this.session = session;
        this.prompt = prompt;
        this.template = template;
        var others = cluster.onToken;
        cluster.onToken = token -> {
            others.accept(token);
            accept(token);
        };
    }

    void start(Pipeline pipeline) {
        assign(Assignment.fresh(1, pipeline));
    }

    /** Goes on over another pipeline; the KV cache of the lost is gone. */
    RecoveryPlan recover(Pipeline pipeline, Set<WorkerId> lost) {
        Assignment former = assignments.getLast();
        RecoveryPlan plan = RecoveryPlanner.plan(
                assignments, steps, prompt.size(), pipeline, lost, logUsable, RecoveryCosts.UNKNOWN);
        List<WorkerId> used = pipeline.stages().stream().map(Stage::worker).toList();
        for (Stage stage : former.pipeline().stages()) {
            if (!used.contains(stage.worker())) {
                cluster.arrived(stage.worker(), "router", List.of(LocalCluster.drop(session, former.attempt())));
            }
        }
        assign(plan.assignment());
        return plan;
    }

    /** The pipeline now. */
    Pipeline pipeline() {
        return assignments.getLast().pipeline();
    }

    private void assign(Assignment assignment) {
        assignments.add(assignment);
        List<Integer> input = new ArrayList<>(prompt);
        int position = 0;
        SessionResume resume = null;
        if (!ids.isEmpty()) {
            resume = ResumeCodec.encode(assignment.position(), List.copyOf(ids), assignment.stages());
            input.addAll(ids);
            if (assignment.stages().getFirst().mode() == ResumeMode.KEEP) {
                position = assignment.position();
            }
        }
        SessionSetup setup = SessionSetup.newBuilder(template)
                .setPipeline(assignment.pipeline().stages().stream()
                        .map(stage -> new io.sluice.records.Stage(
                                stage.worker().value(),
                                stage.layers().first(),
                                stage.layers().end()))
                        .toList())
                .setResume(resume)
                .build();
        List<Stage> stages = assignment.pipeline().stages();
        cluster.arrived(
                stages.getFirst().worker(),
                "router",
                List.of(LocalCluster.tokenChunk(
                        session, assignment.attempt(), position, input.subList(position, input.size()), setup)));
        if (resume != null) {
            for (Stage stage : stages.subList(1, stages.size())) {
                ActivationChunk prepare = ChunkWriter.release(session, assignment.attempt());
                prepare.setKind(ChunkKind.PREPARE);
                prepare.setSetup(setup);
                cluster.arrived(stage.worker(), "router", List.of(prepare));
            }
        }
    }

    private void accept(Token token) {
        if (!token.getRequestId().equals(session)
                || finished
                || token.getAttempt() != assignments.getLast().attempt()
                || token.getIndex() != ids.size()) {
            return;
        }
        ids.add(token.getTokenId());
        text.append(token.getText());
        steps.add(ResumeCodec.trace(token));
        finished = token.getFinishReason() != null;
    }
}
