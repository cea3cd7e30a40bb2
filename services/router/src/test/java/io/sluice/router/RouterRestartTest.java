package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.planning.Allocation;
import io.sluice.records.ActivationChunk;
import io.sluice.records.Completion;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.FinishReason;
import io.sluice.records.HopTiming;
import io.sluice.records.InferenceRequest;
import io.sluice.records.ResumeMode;
import io.sluice.records.SessionReport;
import io.sluice.records.StageTrouble;
import io.sluice.records.Token;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.TaskId;
import org.apache.kafka.streams.processor.api.MockProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A new process on the stores that the old one left, as after a crash: nothing of its memory remains. */
class RouterRestartTest {
    private static final List<String> STORES = List.of(
            RouterTopology.SESSIONS_STORE,
            RouterTopology.TOKENS_STORE,
            RouterTopology.ALLOCATIONS_STORE,
            RouterTopology.ALLOCATIONS_GLOBAL_STORE);

    private static final Duration LEASE = Duration.ofMillis(1_200);

    @TempDir
    private Path folder;

    private final SchemaRegistry registry = SchemaRegistry.inMemory();
    private final RouterTopology.Formats formats = RouterTopology.Formats.of(registry);
    private final AvroSerializer<InferenceRequest> requests = new AvroSerializer<>(registry, Topics.REQUESTS);
    private final AvroSerializer<Token> tokens = new AvroSerializer<>(registry, Topics.TOKENS);
    private final AvroSerializer<SessionReport> reports = new AvroSerializer<>(registry, Topics.REPORTS);
    private final AvroSerializer<io.sluice.records.Allocation> allocations =
            new AvroSerializer<>(registry, Topics.ALLOCATIONS);
    private final Map<String, KeyValueStore<String, byte[]>> stores = new TreeMap<>();
    private UnaryOperator<RouterConfig> settings = config -> config.withHighWater(1);
    private MockProcessorContext<byte[], Object> context;
    private RouterProcessor router;
    private SimpleMeterRegistry metrics;
    private Membership members;
    private long nowMs = 1_000_000;
    private long offset;

    @BeforeEach
    void firstStart() {
        start();
    }

    @AfterEach
    void close() {
        stores.values().forEach(KeyValueStore::close);
        registry.close();
    }

    private void start() {
        context = new MockProcessorContext<>(new Properties(), new TaskId(0, 0), folder.toFile());
        context.setCurrentSystemTimeMs(nowMs);
        for (String name : STORES) {
            KeyValueStore<String, byte[]> store = stores.computeIfAbsent(name, n -> {
                KeyValueStore<String, byte[]> created = Stores.keyValueStoreBuilder(
                                Stores.inMemoryKeyValueStore(n), Serdes.String(), Serdes.ByteArray())
                        .withLoggingDisabled()
                        .build();
                created.init(context.getStateStoreContext(), created);
                return created;
            });
            context.addStateStore(store);
        }
        members = new Membership(new WorkerId("router-test"), LEASE, LEASE, nowMs);
        metrics = new SimpleMeterRegistry();
        RouterConfig config = settings.apply(RouterHarness.config(metrics));
        SharedDispatch dispatch = new SharedDispatch(config, 1, worker -> true, members);
        router = new RouterProcessor(
                config, 1, formats, dispatch, new RouterMetrics(metrics, dispatch, config.models()));
        router.init(context);
    }

    private void tick(Duration time) {
        nowMs += time.toMillis();
        context.setCurrentSystemTimeMs(nowMs);
        context.scheduledPunctuators().forEach(p -> p.getPunctuator().punctuate(nowMs));
    }

    private void allocate(Allocation allocation) {
        byte[] bytes = allocations.serialize("", TestAllocations.wire(allocation));
        stores.get(RouterTopology.ALLOCATIONS_GLOBAL_STORE)
                .put(allocation.model(), AllocationIntake.envelope(0, offset++, bytes));
        tick(Duration.ofMillis(50));
    }

    private void send(String topic, String key, byte[] value) {
        context.setRecordMetadata(topic, 0, offset++);
        router.process(new Record<>(key.getBytes(StandardCharsets.UTF_8), value, nowMs));
    }

    private void request(String id) {
        send(
                Topics.REQUESTS.name(),
                id,
                requests.serialize("", RouterHarness.request(id).build()));
    }

    private void token(String id, int index, FinishReason finish) {
        send(Topics.TOKENS.name(), id, tokens.serialize("", token(id, 1, index, finish)));
    }

    private void report(String id, int attempt, StageTrouble trouble) {
        SessionReport report = RouterHarness.report(id, "a", trouble);
        report.setAttempt(attempt);
        send(Topics.REPORTS.name(), id, reports.serialize("", report));
    }

    private <T> List<T> sent(String sink, Class<T> type) {
        return context.forwarded(sink).stream()
                .map(f -> type.cast(f.record().value()))
                .toList();
    }

    private List<String> assigned() {
        return sent(RouterTopology.ACTIVATIONS_SINK, ToWorker.class).stream()
                .map(c -> c.batch().getChunks().getFirst().getSessionId())
                .toList();
    }

    @Test
    void canFinishASessionThatBeganBefore() {
        allocate(TestAllocations.single(4, "a", 1000));
        request("r1");
        token("r1", 0, null);
        token("r1", 1, null);
        start();
        token("r1", 1, null);
        token("r1", 2, FinishReason.STOP);
        assertThat(sent(RouterTopology.COMPLETIONS_SINK, Completion.class))
                .singleElement()
                .satisfies(c -> {
                    assertThat(c.getText()).isEqualTo("[0][1][2]");
                    assertThat(c.getPromptTokenIds()).containsExactly(97, 98, 99, 100);
                    assertThat(c.getEpoch()).isEqualTo(4);
                });
        assertThat(assigned()).as("nothing is sent twice").isEmpty();
        start();
        request("r1");
        assertThat(sent(RouterTopology.ERRORS_SINK, ErrorRecord.class))
                .singleElement()
                .satisfies(e -> assertThat(e.getReason()).isEqualTo(ErrorReason.DUPLICATE_REQUEST));
    }

    @Test
    void shouldRememberWhatIsReservedAndWhoWaits() {
        allocate(TestAllocations.single(1, "a", 128));
        for (int i = 1; i <= 5; i++) {
            request("r" + i);
        }
        assertThat(assigned()).containsExactly("r1", "r2");
        start();
        assertThat(metrics.get("sluice.router.active.sessions").gauge().value()).isEqualTo(2);
        assertThat(metrics.get("sluice.router.queue.length").gauge().value()).isEqualTo(3);
        tick(Duration.ofMillis(50));
        assertThat(assigned()).as("the cache is still full").isEmpty();
        token("r2", 0, FinishReason.LENGTH);
        token("r1", 0, FinishReason.LENGTH);
        assertThat(assigned()).as("in the order of arrival").containsExactly("r3", "r4");
        tick(Duration.ofSeconds(31));
        assertThat(sent(RouterTopology.ERRORS_SINK, ErrorRecord.class))
                .singleElement()
                .satisfies(e -> {
                    assertThat(e.getReason()).isEqualTo(ErrorReason.DEADLINE_PASSED);
                    assertThat(e.getRequestId()).isEqualTo("r5");
                });
    }

    @Test
    void shouldKeepTheLastValidAllocationThoughTheTopicHoldsABadOne() {
        allocate(TestAllocations.single(1, "a", 1000));
        allocate(TestAllocations.invalid(2));
        assertThat(sent(RouterTopology.ERRORS_SINK, ErrorRecord.class)).hasSize(1);
        start();
        tick(Duration.ofMillis(50));
        request("r1");
        assertThat(assigned()).containsExactly("r1");
        assertThat(sent(RouterTopology.ERRORS_SINK, ErrorRecord.class))
                .as("reported once, also across restarts")
                .isEmpty();
    }

    @Test
    void shouldGiveRunningSessionsTheirFullTimeAgain() {
        settings = config -> config.withSessionTimes(Duration.ofSeconds(10), Duration.ofSeconds(60));
        start();
        allocate(TestAllocations.single(1, "a", 1000));
        request("r1");
        tick(Duration.ofSeconds(8));
        start();
        tick(Duration.ofSeconds(8));
        assertThat(sent(RouterTopology.ERRORS_SINK, ErrorRecord.class)).isEmpty();
        tick(Duration.ofSeconds(3));
        assertThat(sent(RouterTopology.ERRORS_SINK, ErrorRecord.class))
                .singleElement()
                .satisfies(e -> assertThat(e.getReason()).isEqualTo(ErrorReason.WORKER_FAILED));
    }

    @Test
    void shouldEndASessionOfBeforeThatCannotBeComputed() {
        allocate(TestAllocations.single(1, "a", 64));
        request("r1");
        token("r1", 0, null);
        request("r2");
        start();
        report("r1", 1, StageTrouble.MALFORMED_INPUT);
        int attempt = lastChunk().getAttempt();
        start();
        report("r1", attempt, StageTrouble.MALFORMED_INPUT);
        assertThat(sent(RouterTopology.ERRORS_SINK, ErrorRecord.class))
                .singleElement()
                .satisfies(e -> assertThat(e.getReason()).isEqualTo(ErrorReason.WORKER_FAILED));
        assertThat(assigned()).as("dropped, and who comes next").containsExactly("r1", "r2");
        start();
        report("r1", attempt, StageTrouble.MALFORMED_INPUT);
        token("r2", 0, FinishReason.LENGTH);
        tick(Duration.ofMinutes(5));
        assertThat(assigned()).isEmpty();
        assertThat(sent(RouterTopology.ERRORS_SINK, ErrorRecord.class)).isEmpty();
        assertThat(sent(RouterTopology.COMPLETIONS_SINK, Completion.class)).hasSize(1);
    }

    @Test
    void shouldGoOnWithASessionThatWaitsForAWorker() {
        allocate(TestAllocations.single(1, "a", 64));
        members.hear(RouterHarness.beat("a", 7, Beat.State.ALIVE, 0), nowMs);
        request("r1");
        token("r1", 0, null);
        members.hear(RouterHarness.beat("a", 7, Beat.State.GONE, 0), nowMs);
        tick(Duration.ofMillis(50));
        assertThat(assigned()).containsExactly("r1");
        start();
        tick(Duration.ofMillis(50));
        members.hear(RouterHarness.beat("b", 1, Beat.State.ALIVE, 0), nowMs);
        tick(Duration.ofMillis(50));
        assertThat(assigned())
                .as("the only worker is not known to be lost yet, so it is asked")
                .containsExactly("r1");
        assertThat(lastChunk().getSetup().getResume().getStages().getFirst().getMode())
                .isEqualTo(ResumeMode.KEEP);
    }

    @Test
    void shouldNoticeAWorkerThatRestartedMeanwhile() {
        allocate(TestAllocations.single(1, "a", 64));
        members.hear(RouterHarness.beat("a", 7, Beat.State.ALIVE, 0), nowMs);
        request("r1");
        token("r1", 0, null);
        start();
        members.hear(RouterHarness.beat("a", 8, Beat.State.ALIVE, 0), nowMs);
        tick(Duration.ofMillis(50));
        ActivationChunk chunk = lastChunk();
        assertThat(chunk.getAttempt())
                .as("above all that may have been sent before")
                .isGreaterThan(8);
        assertThat(chunk.getPosition()).isZero();
        assertThat(chunk.getCount()).isEqualTo(5);
    }

    @Test
    void shouldOvertakeAnAttemptThatACrashHasUndone() {
        allocate(TestAllocations.single(1, "a", 64));
        request("r1");
        token("r1", 0, null);
        // An earlier life had sent attempt 2, and its record was lost with the transaction.
        send(Topics.TOKENS.name(), "r1", tokens.serialize("", token("r1", 2, 1, null)));
        ActivationChunk chunk = lastChunk();
        assertThat(chunk.getAttempt()).isEqualTo(3);
        assertThat(chunk.getPosition()).as("only what was recorded counts").isEqualTo(4);
        token("r1", 1, FinishReason.LENGTH);
        assertThat(sent(RouterTopology.COMPLETIONS_SINK, Completion.class)).isEmpty();
        send(Topics.TOKENS.name(), "r1", tokens.serialize("", token("r1", 3, 1, FinishReason.LENGTH)));
        assertThat(sent(RouterTopology.COMPLETIONS_SINK, Completion.class)).hasSize(1);
    }

    @Test
    void shouldNumberAboveTheTokensOfARequestThatWaitsAgain() {
        request("r1");
        // Its assignment was lost with a transaction, though not on its way to the worker.
        token("r1", 0, null);
        allocate(TestAllocations.single(1, "a", 64));
        assertThat(lastChunk().getAttempt()).isEqualTo(2);
    }

    @Test
    void shouldNotTakeATokenThatCameThroughOtherWorkersForOneOfTheAttempt() {
        allocate(TestAllocations.single(1, "a", 64));
        request("r1");
        // A crash had undone attempt 1 over z, whose number was given once more before anything came of it.
        Token other = token("r1", 1, 0, FinishReason.LENGTH);
        other.getHops().getFirst().setWorker("z");
        send(Topics.TOKENS.name(), "r1", tokens.serialize("", other));
        assertThat(sent(RouterTopology.COMPLETIONS_SINK, Completion.class)).isEmpty();
        assertThat(lastChunk().getAttempt()).as("fences both").isEqualTo(2);
        token("r1", 0, FinishReason.LENGTH);
        assertThat(sent(RouterTopology.COMPLETIONS_SINK, Completion.class)).isEmpty();
        send(Topics.TOKENS.name(), "r1", tokens.serialize("", token("r1", 2, 0, FinishReason.LENGTH)));
        assertThat(sent(RouterTopology.COMPLETIONS_SINK, Completion.class)).hasSize(1);
    }

    private Token token(String id, int attempt, int index, FinishReason finish) {
        List<HopTiming> hops = List.of(new HopTiming("a", 10L, 20L, 30L, 1, 5L, 9L));
        return new Token(id, attempt, index, 50 + index, "[" + index + "]", finish, "a", nowMs, hops);
    }

    private ActivationChunk lastChunk() {
        return sent(RouterTopology.ACTIVATIONS_SINK, ToWorker.class)
                .getLast()
                .batch()
                .getChunks()
                .getFirst();
    }

    @Test
    void shouldForgetEndedSessionsOfBefore() {
        settings = config -> config.withSessionTimes(Duration.ofSeconds(10), Duration.ofSeconds(20));
        start();
        allocate(TestAllocations.single(1, "a", 1000));
        request("r1");
        token("r1", 0, FinishReason.LENGTH);
        start();
        tick(Duration.ofSeconds(21));
        assertThat(stores.get(RouterTopology.SESSIONS_STORE).approximateNumEntries())
                .isZero();
    }
}
