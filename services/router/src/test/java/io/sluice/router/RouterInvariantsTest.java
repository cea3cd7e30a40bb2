package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.planning.Allocation;
import io.sluice.records.Completion;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.FinishReason;
import io.sluice.records.Session;
import io.sluice.records.SessionState;
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

/** Seeded disorder, lost tokens and failing workers: whatever happens, every request ends once and no KV cache is promised twice. */
class RouterInvariantsTest {
    private static final double HIGH_WATER = 0.9;
    private static final int TOKENS = 4;

    private final Map<String, Session> running = new TreeMap<>();
    private final Map<String, Integer> sent = new HashMap<>();
    private final Map<Long, Allocation> allocations = new HashMap<>();
    private final TreeSet<String> submitted = new TreeSet<>();
    private final Map<String, List<String>> ends = new TreeMap<>();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void shouldEndEveryRequestOnceAndNeverOverbook(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        try (RouterHarness router = new RouterHarness(
                config -> config.withQueue(20, Duration.ofSeconds(3))
                        .withHighWater(HIGH_WATER)
                        .withSessionTimes(Duration.ofSeconds(5), Duration.ofSeconds(600)),
                1)) {
            long epoch = 0;
            for (int step = 0; step < 400; step++) {
                switch (random.nextInt(11)) {
                    case 0, 1, 2 -> submit(router, random);
                    case 3, 4, 5, 6 -> token(router, random);
                    case 7 -> router.advance(Duration.ofMillis(random.nextInt(400)));
                    case 10 -> giveUp(router, random);
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
            assertThat(ends.values().stream()
                            .filter(how -> how.contains("given up"))
                            .count())
                    .as("seed %d: workers fail", seed)
                    .isPositive();
        }
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

    /** The next token of a running session, or one that was sent before, or one too far, or of another attempt. */
    private void token(RouterHarness router, SplittableRandom random) {
        if (running.isEmpty()) {
            return;
        }
        List<String> ids = new ArrayList<>(running.keySet());
        String id = ids.get(random.nextInt(ids.size()));
        int next = sent.getOrDefault(id, 0);
        int kind = random.nextInt(10);
        int index = kind == 0 ? random.nextInt(next + 1) : kind == 1 ? next + 1 : next;
        Token token = router.token(id, index, index == TOKENS - 1 ? FinishReason.LENGTH : null);
        if (kind == 2) {
            token.setAttempt(2);
        } else if (index == next) {
            sent.put(id, next + 1);
        }
        router.send(token);
    }

    /** A worker's error about a running session or one that is over already, sometimes sent twice. */
    private void giveUp(RouterHarness router, SplittableRandom random) {
        if (random.nextInt(3) == 0 && !ends.isEmpty()) {
            // After the end, as when the worker's record was sent again: the client has one end all the same.
            router.send(router.workerError(ends.keySet().iterator().next()));
        } else if (random.nextInt(3) == 0 && !running.isEmpty()) {
            List<String> ids = new ArrayList<>(running.keySet());
            String id = ids.get(random.nextInt(ids.size()));
            router.send(router.workerError(id));
            if (random.nextBoolean()) {
                router.send(router.workerError(id));
            }
            ends.computeIfAbsent(id, none -> new ArrayList<>()).add("given up");
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
            if (session.getState() == SessionState.ASSIGNED) {
                assertFits(session, seed, step);
                assertThat(running.put(session.getRequestId(), session)).isNull();
            } else {
                running.remove(session.getRequestId());
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
