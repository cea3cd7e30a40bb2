package io.sluice.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.awaitility.Awaitility.await;

import io.sluice.core.WorkerId;
import io.sluice.launcher.bench.recovery.KillTrial;
import io.sluice.launcher.bench.recovery.KillTrial.Trial;
import io.sluice.launcher.bench.recovery.SessionWatch;
import io.sluice.launcher.bench.recovery.SessionWatch.Watched;
import io.sluice.launcher.bench.recovery.SparedStack;
import io.sluice.launcher.bench.recovery.Strike;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.launcher.stack.StackConfig;
import io.sluice.messaging.KafkaClients;
import io.sluice.records.Completion;
import io.sluice.records.Session;
import io.sluice.records.SessionState;
import io.sluice.records.Token;
import io.sluice.records.WorkerCommand;
import io.sluice.records.WorkerOrder;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.BiConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Three stages with a spare each, every service a process: whatever is killed in mid-generation, the text is that of an
 * undisturbed run, token for token, and every request ends exactly once. {@code -Dsluice.kill.matrix=full} kills every
 * stage at every decode step; without it a seeded sample is killed.
 */
@Tag("long")
class RecoveryIT {
    private static final Logger LOG = LoggerFactory.getLogger(RecoveryIT.class);
    private static final int TOKENS = 24;
    private static final int LONG = 64;
    private static final int SAMPLE = 3;
    private static final long SEED = 5;
    /** Slow enough that a kill meets the step it is meant for: about 23 ms per stage and step. */
    private static final String DEVICE = "emulated:a100@0.12";

    private static final boolean FULL = "full".equals(System.getProperty("sluice.kill.matrix"));

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    static Path folder;

    private static EmbeddedStack stack;
    private static KillTrial trial;
    private static List<Integer> undisturbed;
    private static List<Integer> undisturbedLong;

    /** A stage, and how many tokens have been seen when its worker is killed. */
    private record Kill(int stage, int after) {}

    @BeforeAll
    static void startStack() {
        stack = EmbeddedStack.start(
                SparedStack.config(folder, DEVICE).withIsolation(new StackConfig.Isolation(true, false)),
                Progress.on(System.out));
        trial = new KillTrial(stack, DEVICE);
        trial.awaitAll();
        undisturbed = trial.undisturbed(TOKENS).outcome().tokenIds();
        undisturbedLong = trial.undisturbed(LONG).outcome().tokenIds();
        assertThat(undisturbed).hasSize(TOKENS).isEqualTo(undisturbedLong.subList(0, TOKENS));
    }

    @AfterAll
    static void stopStack() {
        if (trial != null) {
            trial.close();
        }
        if (stack != null) {
            stack.close();
        }
    }

    @BeforeEach
    void awaitAllWorkers() {
        trial.awaitAll();
    }

    @AfterEach
    void shouldHaveEndedEveryRequestInExactlyOneCompletion() {
        assertThat(trial.ends()).allSatisfy((id, ends) -> assertThat(ends)
                .as("ends of request %s", id)
                .singleElement()
                .isInstanceOf(Completion.class));
    }

    @Test
    void shouldRepeatTheUndisturbedTextWhicheverStageIsKilledAtWhicheverStep() {
        List<Kill> kills = kills();
        int further = 0;
        for (Kill kill : kills) {
            trial.awaitAll();
            Trial done = trial.run(Strike.KILLED, kill.stage(), kill.after(), undisturbed);
            assertThat(done.victim()).as("a worker was killed at %s", kill).isPresent();
            further += done.watched().outcome().completion().getAttempt() > 1 ? 1 : 0;
            LOG.info(
                    "killed stage={} after={} tokens attempts={} pause={}",
                    kill.stage(),
                    kill.after(),
                    done.watched().outcome().completion().getAttempt(),
                    done.pause());
        }
        LOG.info("kills={} of which met a session that had to go on elsewhere={}", kills.size(), further);
        // A first or middle stage that has sent its part of the last step is not needed any more.
        assertThat(further).isGreaterThanOrEqualTo(kills.size() * 2 / 3);
    }

    private static List<Kill> kills() {
        List<Kill> all = new ArrayList<>();
        for (int after = 0; after < TOKENS; after++) {
            for (int stage = 0; stage < SparedStack.STAGES.size(); stage++) {
                all.add(new Kill(stage, after));
            }
        }
        if (FULL) {
            return all;
        }
        Collections.shuffle(all, new Random(SEED));
        return all.subList(0, SAMPLE);
    }

    @Test
    void shouldGoOnWhenTwoStagesAreKilledAtOnce() {
        Watched watched = disturb(LONG, 8, (session, token) -> {
            stack.faults().killWorker(worker(session, 0));
            stack.faults().killWorker(worker(session, 2));
        });

        assertThat(watched.outcome().tokenIds()).isEqualTo(undisturbedLong);
        assertThat(watched.outcome().completion().getAttempt()).isGreaterThan(1);
    }

    @Test
    void shouldGoOnWhenTheReplacementIsKilledWhileItRebuilds() {
        Set<Integer> struck = new HashSet<>();
        Watched watched = trial.generate(LONG, new SessionWatch.Listener() {
            private Session newest;

            @Override
            public void onSession(Session session) {
                newest = session;
                if (session.getState() == SessionState.REASSIGNED && struck.size() == 1 && struck.add(2)) {
                    stack.faults().killWorker(worker(session, 1));
                }
            }

            @Override
            public void onToken(Token token, int count) {
                if (count >= 8 && struck.add(1)) {
                    stack.faults().killWorker(worker(newest, 1));
                }
            }
        });

        assertThat(struck).hasSize(2);
        assertThat(watched.outcome().tokenIds()).isEqualTo(undisturbedLong);
        assertThat(watched.outcome().completion().getAttempt()).isGreaterThan(2);
    }

    @Test
    void shouldGoOnWhenTheRouterIsKilledWithAWorker() {
        Watched watched = disturb(LONG, 8, (session, token) -> {
            stack.faults().killWorker(worker(session, 1));
            stack.faults().killRouter();
            stack.faults().startRouter();
        });

        assertThat(watched.outcome().tokenIds()).isEqualTo(undisturbedLong);
        assertThat(watched.outcome().completion().getAttempt()).isGreaterThan(1);
    }

    @Test
    void shouldIgnoreAWorkerThatWakesUpAfterItsSessionWentOnElsewhere() {
        List<WorkerId> stopped = new ArrayList<>();
        Watched watched = disturb(LONG, 8, (session, token) -> {
            stopped.add(worker(session, 1));
            stack.faults().suspendWorker(worker(session, 1));
        });
        assertThat(watched.outcome().tokenIds()).isEqualTo(undisturbedLong);
        assertThat(watched.outcome().completion().getAttempt()).isGreaterThan(1);

        // It wakes up in the middle of another session.
        Watched during = disturb(LONG, 8, (session, token) -> stack.faults().resumeWorker(stopped.getFirst()));
        trial.awaitAll();
        assertThat(during.outcome().tokenIds()).isEqualTo(undisturbedLong);
        for (int i = 0; i < 2; i++) {
            assertThat(trial.undisturbed(TOKENS).outcome().tokenIds()).isEqualTo(undisturbed);
        }
    }

    @Test
    void shouldMoveASessionWithoutLossFromAWorkerThatIsDrained() {
        List<WorkerId> drained = new ArrayList<>();
        Watched watched = disturb(LONG, 8, (session, token) -> {
            drained.add(worker(session, 1));
            drain(worker(session, 1), 2_500);
        });

        assertThat(watched.outcome().tokenIds()).isEqualTo(undisturbedLong);
        assertThat(watched.outcome().completion().getAttempt()).isGreaterThan(1);
        assertThat(watched.outcome().completion().getPipeline())
                .extracting(io.sluice.records.Stage::getWorker)
                .doesNotContain(drained.getFirst().value());
        double longest = 0;
        for (double gap : watched.outcome().interTokenMs()) {
            longest = Math.max(longest, gap);
        }
        LOG.info("drained={} longest time between two tokens={} ms", drained, longest);
        // It has left in order, so nobody starts it again: for the tests that follow.
        await("the drained worker has left").atMost(Duration.ofSeconds(60)).until(() -> stack.worker(drained.getFirst())
                .isEmpty());
        SparedStack.workers(DEVICE).stream()
                .filter(spec -> spec.id().equals(drained.getFirst()))
                .forEach(stack::addWorker);
    }

    /** Does something once, when so many tokens have been seen. */
    private static Watched disturb(int tokens, int after, BiConsumer<Session, Token> what) {
        List<Token> done = new ArrayList<>();
        Watched watched = trial.generate(tokens, new SessionWatch.Listener() {
            private Session newest;

            @Override
            public void onSession(Session session) {
                newest = session;
            }

            @Override
            public void onToken(Token token, int count) {
                if (count >= after && newest != null && done.isEmpty()) {
                    done.add(token);
                    what.accept(newest, token);
                }
            }
        });
        assertThat(done).as("the generation was disturbed").isNotEmpty();
        LOG.info(
                "attempts={} states={}",
                watched.outcome().completion().getAttempt(),
                watched.states().stream()
                        .map(state -> state.getState() + " " + state.getReason())
                        .toList());
        return watched;
    }

    private static WorkerId worker(Session session, int stage) {
        return new WorkerId(session.getPipeline().get(stage).getWorker());
    }

    private static void drain(WorkerId worker, long withinMs) {
        long now = System.currentTimeMillis();
        WorkerCommand command = new WorkerCommand(
                worker.value(), trial.cluster().incarnation(worker), WorkerOrder.DRAIN, now + withinMs, "test", now);
        try (KafkaProducer<String, WorkerCommand> producer = new KafkaProducer<>(
                KafkaClients.durableProducer(stack.settings(), "drain"),
                new StringSerializer(),
                new AvroSerializer<>(stack.schemas(), Topics.WORKER_COMMANDS))) {
            assertThatCode(() -> producer.send(
                                    new ProducerRecord<>(Topics.WORKER_COMMANDS.name(), worker.value(), command))
                            .get())
                    .doesNotThrowAnyException();
        }
    }
}
