package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.planning.Allocation;
import io.sluice.records.Completion;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.FinishReason;
import io.sluice.records.Session;
import io.sluice.records.SessionReport;
import io.sluice.records.SessionState;
import io.sluice.records.StageTrouble;
import io.sluice.records.Token;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Seeded disorder, lost tokens, failing stages and workers that come and go: whatever happens, every request ends once,
 * attempts only grow, and no KV cache is promised twice to new sessions.
 */
class RouterInvariantsTest {
    private static final double HIGH_WATER = 0.9;
    private static final int TOKENS = 4;
    private static final List<String> WORKERS = List.of("a", "b", "c", "d");

    private final Map<String, Session> running = new TreeMap<>();
    private final Map<String, Integer> attempts = new HashMap<>();
    private final Map<String, Integer> sent = new HashMap<>();
    /** Sessions of which an attempt was seen that the router does not know: it waits for a higher one. */
    private final TreeSet<String> overtaken = new TreeSet<>();

    private final Map<String, Long> incarnations = new HashMap<>();
    private final Map<Long, Allocation> allocations = new HashMap<>();
    private final TreeSet<String> submitted = new TreeSet<>();
    private final Map<String, List<String>> ends = new TreeMap<>();
    private int reassigned;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void shouldEndEveryRequestOnceAndNeverOverbook(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        try (RouterHarness router = new RouterHarness(
                config -> config.withQueue(20, Duration.ofSeconds(3))
                        .withHighWater(HIGH_WATER)
                        .withSilence(Duration.ofMillis(1200), Duration.ofMillis(1200), Duration.ofSeconds(2))
                        .withSessionTimes(Duration.ofSeconds(5), Duration.ofSeconds(600)),
                1)) {
            WORKERS.forEach(worker -> router.alive(start(worker), worker));
            long epoch = 0;
            for (int step = 0; step < 400; step++) {
                switch (random.nextInt(13)) {
                    case 0, 1, 2 -> submit(router, random);
                    case 3, 4, 5, 6, 7 -> token(router, random);
                    case 8 -> router.advance(Duration.ofMillis(random.nextInt(400)));
                    case 9 -> report(router, random);
                    case 10 -> members(router, random);
                    default -> {
                        if (random.nextInt(6) == 0) {
                            allocate(router, random, ++epoch);
                        }
                    }
                }
                look(router, seed, step);
            }
            // Nothing more comes: who waits is refused, who runs is given up.
            for (int i = 0; i < 20; i++) {
                router.advance(Duration.ofSeconds(1));
                look(router, seed, 400 + i);
            }
            assertThat(running).as("seed %d", seed).isEmpty();
            assertThat(ends.keySet()).as("seed %d: every request ends", seed).isEqualTo(submitted);
            assertThat(ends).as("seed %d: once", seed).allSatisfy((id, how) -> assertThat(how)
                    .hasSize(1));
            assertThat(router.gauge("sluice.router.active.sessions")).isZero();
            assertThat(router.gauge("sluice.router.queue.length")).isZero();
            assertThat(ends.values().stream()
                            .filter(how -> how.contains("completed"))
                            .count())
                    .as("seed %d: the disorder leaves something to serve", seed)
                    .isPositive();
            assertThat(reassigned).as("seed %d: sessions are recovered", seed).isPositive();
        }
    }

    private long start(String worker) {
        return incarnations.merge(worker, 1L, Long::sum);
    }

    private void submit(RouterHarness router, SplittableRandom random) {
        boolean again = random.nextInt(8) == 0 && !submitted.isEmpty() && !running.isEmpty();
        String id = again ? running.keySet().iterator().next() : "r" + submitted.size();
        var request = RouterHarness.request(id).setMaxTokens(TOKENS);
        if (random.nextInt(6) == 0) {
            request.setAllowedRegions(List.of(random.nextBoolean() ? "eu" : "us"));
        }
        submitted.add(id);
        router.send(request);
    }

    private String anyRunning(SplittableRandom random) {
        List<String> ids = new ArrayList<>(running.keySet());
        return ids.get(random.nextInt(ids.size()));
    }

    /** The next token of a running session, or one that was sent before, or one too far, or of another attempt. */
    private void token(RouterHarness router, SplittableRandom random) {
        if (running.isEmpty()) {
            return;
        }
        String id = anyRunning(random);
        int next = sent.getOrDefault(id, 0);
        int kind = random.nextInt(20);
        int index = kind < 2 ? random.nextInt(next + 1) : kind < 4 ? next + 1 : next;
        Token token = router.token(id, index, index == TOKENS - 1 ? FinishReason.LENGTH : null);
        token.setAttempt(attempts.get(id));
        if (kind == 4) {
            token.setAttempt(attempts.get(id) + 1);
            overtaken.add(id);
        } else if (kind == 5) {
            token.setAttempt(attempts.get(id) - 1);
        } else if (index == next && !overtaken.contains(id)) {
            sent.put(id, next + 1);
        }
        router.send(token);
    }

    /** A stage's report about a running session's attempt, or an older one, sometimes sent twice. */
    private void report(RouterHarness router, SplittableRandom random) {
        if (running.isEmpty()) {
            return;
        }
        String id = anyRunning(random);
        List<String> pipeline = RouterHarness.workers(running.get(id).getPipeline());
        StageTrouble[] troubles = StageTrouble.values();
        SessionReport report = RouterHarness.report(
                id, pipeline.get(random.nextInt(pipeline.size())), troubles[random.nextInt(troubles.length)]);
        report.setIncarnation(99);
        report.setAttempt(attempts.get(id) - random.nextInt(2));
        router.send(report);
        if (random.nextBoolean()) {
            router.send(report);
        }
    }

    private void members(RouterHarness router, SplittableRandom random) {
        String worker = WORKERS.get(random.nextInt(WORKERS.size()));
        long incarnation = incarnations.get(worker);
        switch (random.nextInt(9)) {
            case 0 -> router.gone(incarnation, worker);
            case 1 -> router.silent(worker);
            case 2 -> router.draining(incarnation, worker, random.nextBoolean() ? 0 : router.nowMs() + 3_000);
            case 3 -> router.zombie(incarnation - 1, worker);
            case 4 -> router.echoes = !router.echoes;
            default -> router.alive(random.nextBoolean() ? start(worker) : incarnation, worker);
        }
    }

    private void allocate(RouterHarness router, SplittableRandom random, long epoch) {
        long kv = 64L * random.nextInt(1, 8);
        Allocation allocation =
                switch (random.nextInt(8)) {
                    case 0 -> TestAllocations.invalid(epoch);
                    case 1 -> TestAllocations.single(epoch, "a", kv);
                    default -> TestAllocations.diamond(epoch, kv);
                };
        allocations.put(epoch, allocation);
        router.allocate(allocation);
    }

    private void look(RouterHarness router, long seed, int step) {
        for (Session session : router.sessions()) {
            String id = session.getRequestId();
            switch (session.getState()) {
                case ASSIGNED -> {
                    assertFits(session, seed, step);
                    assertThat(running.put(id, session)).isNull();
                    attempts.put(id, session.getAttempt());
                }
                case REASSIGNED -> {
                    assertThat(running.put(id, session)).isNotNull();
                    assertThat(attempts.put(id, session.getAttempt()))
                            .as("seed %d step %d: attempts of %s grow", seed, step, id)
                            .isLessThan(session.getAttempt());
                    assertThat(session.getReason()).isNotEmpty();
                    overtaken.remove(id);
                    reassigned++;
                }
                default -> running.remove(id);
            }
        }
        for (Completion completion : router.completions()) {
            assertThat(completion.getText()).as("seed %d step %d", seed, step).isEqualTo("[0][1][2][3]");
            ends.computeIfAbsent(completion.getRequestId(), id -> new ArrayList<>())
                    .add("completed");
        }
        for (ErrorRecord error : router.errors()) {
            if (error.getRequestId() != null && error.getReason() != ErrorReason.DUPLICATE_REQUEST) {
                ends.computeIfAbsent(error.getRequestId(), id -> new ArrayList<>())
                        .add(error.getReason().toString());
            }
        }
    }

    /** Sessions are read in the order of the router's decisions, so this sees each worker as the router saw it. */
    private void assertFits(Session session, long seed, int step) {
        assertThat(session.getState()).isEqualTo(SessionState.ASSIGNED);
        Allocation allocation = allocations.get(session.getEpoch());
        for (String worker : RouterHarness.workers(session.getPipeline())) {
            long used = running.values().stream()
                    .filter(other -> RouterHarness.workers(other.getPipeline()).contains(worker))
                    .mapToLong(Session::getKvTokens)
                    .sum();
            long capacity = allocation.workers().stream()
                    .filter(w -> w.worker().value().equals(worker))
                    .findFirst()
                    .orElseThrow()
                    .kvCapacityTokens();
            long limit = used == 0 ? capacity : (long) (capacity * HIGH_WATER);
            assertThat(used + session.getKvTokens())
                    .as("seed %d step %d: KV cache of %s for %s", seed, step, worker, session.getRequestId())
                    .isLessThanOrEqualTo(limit);
        }
    }
}
