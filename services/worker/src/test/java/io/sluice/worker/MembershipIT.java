package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.core.LayerRange;
import io.sluice.messaging.TopicTail;
import io.sluice.records.BeatState;
import io.sluice.records.Heartbeat;
import io.sluice.records.Stage;
import io.sluice.records.Token;
import io.sluice.records.WorkerCommand;
import io.sluice.records.WorkerOrder;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Real workers that join, beat, drain, leave, and lose their name. */
final class MembershipIT extends OnWorkerStack {
    private static final LayerRange ALL = new LayerRange(0, 6);
    private static final String SLOW = "emulated:t4@0.01";
    private static final MembershipSettings QUICK =
            new MembershipSettings(Duration.ofMillis(50), Duration.ofMillis(600), Duration.ZERO);

    private TopicTail<Heartbeat> beats;
    private TopicTail<WorkerStatus> statuses;
    private final List<Heartbeat> heard = new ArrayList<>();

    @BeforeEach
    void openTails() {
        beats = stack.tail(Topics.HEARTBEATS);
        statuses = stack.tail(Topics.WORKERS);
    }

    @Test
    void shouldBeatWhileItLoadsLayersAndSayWhenItIsGone() {
        WorkerService worker =
                stack.start(stack.config("beats", "beats", null, "cpu").with(draft -> draft.membership = QUICK));
        stack.place("beats", 1, new Stage("beats", 0, 6));
        stack.status(statuses, "beats", status -> status.getPlacementEpoch() == 1 && status.getEndLayer() == 6);

        worker.close();
        heard("beats", beat -> beat.getState() == BeatState.GONE);

        List<Heartbeat> own = of("beats");
        for (int i = 0; i < own.size(); i++) {
            assertThat(own.get(i).getSequence()).isEqualTo(i);
        }
        assertThat(own).extracting(Heartbeat::getLeaseMs).containsOnly(600);
        assertThat(own.subList(0, own.size() - 1))
                .extracting(Heartbeat::getState)
                .containsOnly(BeatState.ALIVE);
        assertThat(own.getLast().getReason()).isEqualTo("stopped");
        assertThat(stack.status(statuses, "beats", status -> status.getState() == WorkerState.LEFT)
                        .getIncarnation())
                .isEqualTo(own.getLast().getIncarnation());
    }

    @Test
    void shouldFinishItsSessionsWhenToldToDrainAndThenLeave() throws Exception {
        TopicTail<Token> tokens = stack.tail(Topics.TOKENS);
        WorkerService worker =
                stack.start(stack.config("drains", ALL, "emulated:t4@20").with(draft -> draft.membership = QUICK));
        CompletableFuture<Void> ended = ended(worker);
        List<Integer> prompt =
                WorkerStack.ids(WorkerStack.referenceCases().get(0).get("prompt_token_ids"));
        stack.send("drains", WorkerStack.prompt("d", prompt, 48, List.of(new Stage("drains", 0, 6))));
        List<Token> generated = new ArrayList<>();
        await().atMost(WorkerStack.PATIENCE)
                .until(() -> !collect(tokens, generated).isEmpty());

        command("drains", WorkerOrder.DRAIN, Duration.ofMinutes(5));
        heard("drains", beat -> beat.getState() == BeatState.DRAINING);
        assertThat(stack.status(statuses, "drains", status -> status.getState() == WorkerState.DRAINING)
                        .getWorker())
                .isEqualTo("drains");
        await().atMost(WorkerStack.PATIENCE).until(ended::isDone);

        ended.get();
        await().atMost(WorkerStack.PATIENCE)
                .until(() -> collect(tokens, generated).size() == 48);
        Heartbeat gone = heard("drains", beat -> beat.getState() == BeatState.GONE);
        assertThat(gone.getReason()).contains("no session left").contains("asked by the test");
        long left = stack.status(statuses, "drains", status -> status.getState() == WorkerState.LEFT)
                .getAtMs();
        assertThat(left).isLessThanOrEqualTo(gone.getAtMs());
    }

    @Test
    void shouldLeaveAtTheDeadlineWhateverIsLeft() throws Exception {
        WorkerService worker = stack.start(stack.config("late", ALL, SLOW).with(draft -> draft.membership = QUICK));
        CompletableFuture<Void> ended = ended(worker);
        busy(worker, "late", "psalm");

        command("late", WorkerOrder.DRAIN, Duration.ofMillis(700));

        await().atMost(WorkerStack.PATIENCE).until(ended::isDone);
        ended.get();
        assertThat(heard("late", beat -> beat.getState() == BeatState.GONE).getReason())
                .contains("drain deadline passed with");
    }

    @Test
    void shouldServeOnWhenTheDrainIsCalledOffAndThenTakeThePlacementItHeldBack() {
        stack.place("undone", 1, new Stage("undone", 0, 6));
        WorkerService worker =
                stack.start(stack.config("undone", "undone", null, SLOW).with(draft -> draft.membership = QUICK));
        busy(worker, "undone", "undone");

        command("undone", WorkerOrder.DRAIN, Duration.ZERO);
        heard("undone", beat -> beat.getState() == BeatState.DRAINING);
        stack.place("undone", 2, new Stage("undone", 0, 3));
        command("undone", WorkerOrder.SERVE, Duration.ZERO);

        WorkerStatus serving = stack.status(
                statuses, "undone", status -> status.getPlacementEpoch() == 2 && status.getEndLayer() == 3);
        assertThat(serving.getState()).isEqualTo(WorkerState.JOINED);
        assertThat(worker.layers()).contains(new LayerRange(0, 3));
    }

    @Test
    void shouldNotObeyCommandsForAnOtherIncarnationOrFromBeforeItsStart() {
        command("deaf", WorkerOrder.DRAIN, Duration.ofSeconds(1));
        stack.start(stack.config("deaf", ALL, "cpu").with(draft -> draft.membership = QUICK));
        long incarnation = heard("deaf", beat -> true).getIncarnation();
        stack.publish(
                Topics.WORKER_COMMANDS,
                "deaf",
                new WorkerCommand("deaf", incarnation - 1, WorkerOrder.DRAIN, 0L, "the test", 0L));
        int before = of("deaf").size();

        heard("deaf", beat -> beat.getSequence() > before + 20);

        assertThat(of("deaf")).extracting(Heartbeat::getState).containsOnly(BeatState.ALIVE);
    }

    @Test
    void shouldStopWhenANewerProcessTakesItsName() {
        WorkerService older = stack.start(stack.config("twin", ALL, "cpu").with(draft -> draft.membership = QUICK));
        CompletableFuture<Void> ended = ended(older);
        long first = heard("twin", beat -> true).getIncarnation();

        WorkerService newer = stack.start(stack.config("twin", ALL, "cpu").with(draft -> draft.membership = QUICK));
        await().atMost(WorkerStack.PATIENCE).until(ended::isDone);

        assertThatThrownBy(ended::join)
                .hasRootCauseInstanceOf(NameTakenException.class)
                .hasMessageContaining("a newer process has taken the name twin")
                .hasMessageContaining("--id");
        older.close();
        long second = heard("twin", beat -> beat.getIncarnation() > first).getIncarnation();
        heard("twin", beat -> beat.getIncarnation() == second && beat.getSequence() > 5);
        assertThat(of("twin"))
                .filteredOn(beat -> beat.getIncarnation() == first)
                .extracting(Heartbeat::getState)
                .containsOnly(BeatState.ALIVE);
        newer.close();
        assertThat(stack.status(statuses, "twin", status -> status.getState() == WorkerState.LEFT)
                        .getIncarnation())
                .isEqualTo(second);
    }

    @Test
    void shouldBeNewerThanAProcessWhoseClockWasAhead() {
        WorkerService future = stack.start(stack.config("ahead", ALL, "cpu").with(draft -> draft.membership = QUICK));
        WorkerStatus status = stack.status(statuses, "ahead", any -> true);
        future.close();
        long ahead = status.getIncarnation() + Duration.ofDays(1).toMillis();
        stack.publish(
                Topics.WORKERS,
                "ahead",
                WorkerStatus.newBuilder(status).setIncarnation(ahead).build());

        stack.start(stack.config("ahead", ALL, "cpu").with(draft -> draft.membership = QUICK));

        assertThat(heard("ahead", beat -> beat.getIncarnation() >= ahead).getIncarnation())
                .isEqualTo(ahead + 1);
    }

    /** Gives a slow worker a session that does not end while a test runs. */
    private static void busy(WorkerService worker, String id, String model) {
        List<Integer> prompt =
                WorkerStack.ids(WorkerStack.referenceCases().get(0).get("prompt_token_ids"));
        stack.send(id, WorkerStack.prompt(model, id, prompt, 400, List.of(new Stage(id, 0, 6))));
        await().atMost(WorkerStack.PATIENCE)
                .until(() -> WorkerStack.scrape(worker).contains("sluice_worker_tokens_sampled_total"));
    }

    private static List<Token> collect(TopicTail<Token> tokens, List<Token> into) {
        tokens.poll(Duration.ofMillis(100)).forEach(token -> into.add(token.value()));
        return into;
    }

    private static CompletableFuture<Void> ended(WorkerService worker) {
        return CompletableFuture.runAsync(() -> {
            try {
                worker.awaitStopped();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private static void command(String worker, WorkerOrder order, Duration limit) {
        long now = System.currentTimeMillis();
        long deadline = limit.isZero() ? 0 : now + limit.toMillis();
        stack.publish(Topics.WORKER_COMMANDS, worker, new WorkerCommand(worker, 0L, order, deadline, "the test", now));
    }

    private List<Heartbeat> of(String worker) {
        return heard.stream().filter(beat -> beat.getWorker().equals(worker)).toList();
    }

    /** Waits for a heartbeat of the worker that is as wanted. */
    private Heartbeat heard(String worker, Predicate<Heartbeat> wanted) {
        await().atMost(WorkerStack.PATIENCE).until(() -> {
            beats.poll(Duration.ofMillis(50)).forEach(beat -> heard.add(beat.value()));
            return of(worker).stream().anyMatch(wanted);
        });
        return of(worker).stream().filter(wanted).findFirst().orElseThrow();
    }
}
