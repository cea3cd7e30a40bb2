package io.sluice.launcher.bench.recovery;

import io.sluice.core.WorkerId;
import io.sluice.launcher.bench.recovery.SessionWatch.Watched;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.WorkerSpec;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Session;
import io.sluice.records.SessionState;
import io.sluice.records.Token;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Takes the worker of one stage away in mid-generation, and measures the pause from the topics' records: the kill, the
 * loss as an onlooker with the router's rules notices it, the router's new attempt, and that attempt's first token. One
 * trial at a time; not thread-safe.
 */
public final class KillTrial implements AutoCloseable {
    /** Length of the prompt, tokens. */
    public static final int PROMPT = 16;

    private static final Duration PATIENCE = Duration.ofSeconds(150);
    private static final Duration POLL = Duration.ofMillis(50);

    private final EmbeddedStack stack;
    private final String device;
    private final ClusterView cluster;
    private final SessionWatch watch;
    private final Set<WorkerId> workers = SparedStack.ids();
    private int requests;

    /**
     * A pause; all times in milliseconds.
     *
     * @param noticed after the kill
     * @param reassigned after that, when the router had the next attempt ready
     * @param resumed after that, when the next token was sampled
     * @param attempts that the session took
     * @param reason the router's sentence
     */
    public record Pause(
            WorkerId victim, double noticed, double reassigned, double resumed, int attempts, String reason) {
        /** From the kill to the next token. */
        public double total() {
            return noticed + reassigned + resumed;
        }

        /** What is left when the loss is known. */
        public double beyondDetection() {
            return reassigned + resumed;
        }
    }

    /**
     * A trial's generation.
     *
     * @param victim that was lost; empty when the generation was over before
     * @param pause empty when the session needed no further attempt
     */
    public record Trial(Watched watched, Optional<WorkerId> victim, Optional<Pause> pause) {}

    /** @param device of the stack's workers */
    public KillTrial(EmbeddedStack stack, String device) {
        this.stack = stack;
        this.device = device;
        cluster = new ClusterView(stack.settings(), stack.schemas());
        watch = new SessionWatch(stack.settings(), stack.schemas(), cluster);
    }

    /** Who is there. */
    public ClusterView cluster() {
        return cluster;
    }

    /** The requests sent so far and how they ended: completions and errors by request id. */
    public Map<String, List<Object>> ends() {
        return watch.ends();
    }

    /**
     * Waits until every worker serves.
     *
     * @throws IllegalStateException when some do not in time
     */
    public void awaitAll() {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!cluster.missing(workers).isEmpty()) {
            watch.poll(POLL);
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("workers " + cluster.missing(workers) + " do not serve after "
                        + PATIENCE.toSeconds() + " s: look at the logs in "
                        + stack.description().logs());
            }
        }
    }

    /** A greedy generation that nothing disturbs, unless the listener does. */
    public Watched generate(int tokens, SessionWatch.Listener listener) {
        return completed(watch.run(request(tokens), PATIENCE, listener));
    }

    /** A greedy generation that nothing disturbs. */
    public Watched undisturbed(int tokens) {
        return generate(tokens, new SessionWatch.Listener() {});
    }

    /**
     * Loses the worker of {@code stage} when {@code after} tokens have been seen; 0: when its pipeline is known.
     *
     * @param expected ids of an undisturbed generation of the same length
     * @throws IllegalStateException when it did not complete, or with other tokens
     */
    public Trial run(Strike strike, int stage, int after, List<Integer> expected) {
        Blow blow = new Blow(strike, stage, after);
        try {
            Watched watched = generate(expected.size(), blow);
            if (!watched.outcome().tokenIds().equals(expected)) {
                throw new IllegalStateException("after the loss of " + blow.victim + " the tokens are "
                        + watched.outcome().tokenIds() + ", undisturbed they are " + expected);
            }
            return new Trial(watched, Optional.ofNullable(blow.victim), pause(watched, blow));
        } finally {
            if (blow.victim != null) {
                strike.bringBack(stack, spec(blow.victim));
            }
        }
    }

    /** Strikes once, at the chosen moment. */
    private final class Blow implements SessionWatch.Listener {
        private final Strike strike;
        private final int stage;
        private final int after;
        private WorkerId victim;
        private long killedMs;
        private int attempt;
        private Session assigned;

        Blow(Strike strike, int stage, int after) {
            this.strike = strike;
            this.stage = stage;
            this.after = after;
        }

        @Override
        public void onSession(Session session) {
            assigned = session;
            strikeAt(0);
        }

        @Override
        public void onToken(Token token, int count) {
            strikeAt(count);
        }

        private void strikeAt(int count) {
            if (count >= after && victim == null && assigned != null) {
                victim = new WorkerId(assigned.getPipeline().get(stage).getWorker());
                attempt = assigned.getAttempt();
                killedMs = System.currentTimeMillis();
                strike.lose(stack, victim);
            }
        }
    }

    private Optional<Pause> pause(Watched watched, Blow blow) {
        Optional<Session> next = watched.states().stream()
                .filter(s -> s.getState() == SessionState.REASSIGNED && s.getAttempt() > blow.attempt)
                .findFirst();
        Optional<Token> resumed = watched.tokens().stream()
                .filter(token -> token.getAttempt() > blow.attempt)
                .findFirst();
        if (blow.victim == null || next.isEmpty() || resumed.isEmpty()) {
            return Optional.empty();
        }
        long reassignedMs = next.get().getAtMs();
        long lostMs = cluster.lostMs(blow.victim, blow.killedMs);
        // The onlooker polls, so that the router may have been the first to notice.
        double noticed = (lostMs == 0 ? reassignedMs : Math.min(lostMs, reassignedMs)) - blow.killedMs;
        return Optional.of(new Pause(
                blow.victim,
                noticed,
                reassignedMs - blow.killedMs - noticed,
                resumed.get().getEmittedMs() - reassignedMs,
                watched.outcome().completion().getAttempt(),
                next.get().getReason()));
    }

    private Watched completed(Watched watched) {
        if (!watched.outcome().completed()) {
            throw new IllegalStateException("request "
                    + watched.outcome().request().getRequestId()
                    + " did not complete: " + watched.outcome().tokenIds().size() + " tokens, "
                    + Objects.requireNonNullElse(watched.outcome().failure(), "no error")
                    + ", states " + watched.states());
        }
        return watched;
    }

    private InferenceRequest request(int tokens) {
        return InferenceRequest.newBuilder()
                .setRequestId("kill-" + System.currentTimeMillis() + "-" + requests++)
                .setModel(SparedStack.MODEL)
                .setPromptTokenIds(IntStream.range(100, 100 + PROMPT).boxed().toList())
                .setMaxTokens(tokens)
                .setIgnoreEos(true)
                .setArrivalMs(System.currentTimeMillis())
                .build();
    }

    private WorkerSpec spec(WorkerId id) {
        return SparedStack.workers(device).stream()
                .filter(worker -> worker.id().equals(id))
                .findFirst()
                .orElseThrow();
    }

    @Override
    public void close() {
        watch.close();
        cluster.close();
    }
}
