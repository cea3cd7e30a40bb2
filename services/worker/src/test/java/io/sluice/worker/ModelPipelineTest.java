package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.core.LayerRange;
import io.sluice.core.sharing.GroupPool;
import io.sluice.core.sharing.KernelGroup;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.TenantId;
import io.sluice.records.Stage;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.HeldLayers;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.onnx.OnnxStageRunner;
import io.sluice.runtime.text.Tokenizer;
import io.sluice.worker.device.CpuDevice;
import io.sluice.worker.sharing.SharingSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Stages on the real runner and the model of this repository, chained in memory. */
final class ModelPipelineTest {
    private static final Path MODEL = Path.of("../../models/psalm");
    private static final RuntimeOptions OPTIONS = new RuntimeOptions(1, 64 << 20);

    private final LocalCluster cluster = new LocalCluster();
    private final List<AutoCloseable> open = new ArrayList<>();
    private ModelWeights weights;
    private Tokenizer tokenizer;
    private JsonNode reference;

    @BeforeEach
    void openModel() throws IOException {
        Path expected = MODEL.resolve("reference.json");
        assumeTrue(Files.exists(expected), () -> expected + " is missing");
        reference = new ObjectMapper().readTree(expected.toFile());
        weights = ModelFiles.weights(MODEL);
        tokenizer = ModelFiles.tokenizer(MODEL);
        open.add(weights);
    }

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable part : open.reversed()) {
            part.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"6", "3 6", "2 4 6", "2 4 5 6"})
    void shouldRepeatTheReferenceTokenForTokenWithAllSessionsAtOnce(String ends) {
        Member first = chain(ends, ActivationDtype.FP32, 16);
        SplittableRandom random = new SplittableRandom(7);
        JsonNode cases = reference.get("cases");
        for (int i = 0; i < cases.size(); i++) {
            first.deliver(cluster.prompt("r" + i, 1, ids(cases.get(i).get("prompt_token_ids")), 64));
            for (int steps = random.nextInt(6); steps > 0; steps--) {
                first.loop.step();
            }
        }
        cluster.settle();

        assertThat(cluster.failures).isEmpty();
        for (int i = 0; i < cases.size(); i++) {
            JsonNode wanted = cases.get(i);
            assertThat(cluster.generated("r" + i))
                    .as(wanted.get("prompt").asText())
                    .isEqualTo(ids(wanted.get("greedy_token_ids")));
            assertThat(text("r" + i)).isEqualTo(wanted.get("greedy_text").asText());
        }
        cluster.members.values().forEach(member -> assertThat(member.runner.kvReservedTokens())
                .isZero());
    }

    @ParameterizedTest
    @ValueSource(strings = {"6", "2 4 6"})
    void shouldRepeatTheReferenceInSlicesBesideLatencyCriticalSessions(String ends) {
        Member first = chain(ends, ActivationDtype.FP32, 16);
        SplittableRandom random = new SplittableRandom(8);
        JsonNode cases = reference.get("cases");
        cluster.limit(new SharingLimits(1, 1, 1_000_000, 1, Long.MAX_VALUE));
        for (int i = 0; i < cases.size(); i++) {
            List<Integer> prompt = ids(cases.get(i).get("prompt_token_ids"));
            first.deliver(
                    random.nextInt(3) == 0
                            ? cluster.prompt("r" + i, 1, prompt, 64)
                            : cluster.bestEffort("r" + i, "t" + i % 3, prompt, 64));
            for (int steps = random.nextInt(200); steps > 0; steps--) {
                cluster.members.values().forEach(member -> {
                    member.receive();
                    member.loop.step(() -> random.nextInt(3) == 0);
                });
                cluster.clock.addAndGet(100_000);
            }
        }
        cluster.settleInTime();

        assertThat(cluster.failures).isEmpty();
        for (int i = 0; i < cases.size(); i++) {
            assertThat(cluster.generated("r" + i))
                    .as(cases.get(i).get("prompt").asText())
                    .isEqualTo(ids(cases.get(i).get("greedy_token_ids")));
            assertThat(text("r" + i)).isEqualTo(cases.get(i).get("greedy_text").asText());
        }
        cluster.members.values().forEach(member -> assertThat(member.runner.kvReservedTokens())
                .isZero());
    }

    /** Lanes with threads of their own, and a clock that runs: what is beside what is up to the machine. */
    @Test
    void shouldRepeatTheReferenceOnCoresBesideLatencyCriticalSessions() throws InterruptedException {
        cluster.lanes =
                List.of(back -> LaneThread.start("lane-0", 0, 0, back), back -> LaneThread.start("lane-1", 1, 1, back));
        // What a busy machine does to steps is not to close the gate here.
        cluster.bestEffort = new SharingSettings(true, 10, SharingSettings.DEFAULT_KV_SHARE, 0.5);
        cluster.clock.set(System.nanoTime());
        AtomicBoolean over = new AtomicBoolean();
        Thread ticks = Thread.ofPlatform().daemon().start(() -> {
            while (!over.get()) {
                cluster.clock.accumulateAndGet(System.nanoTime(), Math::max);
                LockSupport.parkNanos(10_000);
            }
        });
        OnnxStageRunner runner = OnnxStageRunner.open(weights, new LayerRange(0, 6), OPTIONS.withLanes(2));
        open.add(runner);
        Member member =
                cluster.add(LocalCluster.settings("a", ActivationDtype.FP32, 16), runner, new CpuDevice(), tokenizer);
        open.add(member.lanes);
        cluster.limit(new SharingLimits(1, 1, 5_000_000, 1, Long.MAX_VALUE).withSideLanes(2));
        JsonNode cases = reference.get("cases");
        long deadline = System.nanoTime() + 300_000_000_000L;
        for (int round = 0; member.sharing.view(cluster.clock.get()).besideUnits() < 200; round++) {
            assertThat(System.nanoTime()).as("something ran beside steps").isLessThan(deadline);
            for (int i = 0; i < cases.size(); i++) {
                List<Integer> prompt = ids(cases.get(i).get("prompt_token_ids"));
                member.deliver(
                        i % 2 == 0
                                ? cluster.prompt(round + "-" + i, 1, prompt, 64)
                                : cluster.bestEffort(round + "-" + i, "t" + i % 3, prompt, 64));
            }
            // The own quota may forbid best-effort work until it comes back by time: nothing but time is ready then.
            while (runner.kvReservedTokens() > 0 || member.lanes.busy() || !member.topic.isEmpty()) {
                assertThat(System.nanoTime())
                        .as(
                                "everything comes to its end: %s %s",
                                member.sharing.view(cluster.clock.get()), runner.kvReservedTokens())
                        .isLessThan(deadline);
                cluster.settle();
            }
            for (int i = 0; i < cases.size(); i++) {
                assertThat(cluster.generated(round + "-" + i))
                        .as(cases.get(i).get("prompt").asText())
                        .isEqualTo(ids(cases.get(i).get("greedy_token_ids")));
            }
        }
        over.set(true);
        ticks.join();
        assertThat(cluster.failures).isEmpty();
        assertThat(runner.kvReservedTokens()).isZero();
    }

    /** Two tenants side by side on a core each, on lanes with threads of their own. */
    @Test
    void shouldRepeatTheReferenceForTwoTenantsOnACoreEach() throws InterruptedException {
        Semaphore back = new Semaphore(0);
        cluster.onBack = back::release;
        cluster.pools = true;
        cluster.lanes = List.of(to -> LaneThread.start("pool-0", 0, 0, to), to -> LaneThread.start("pool-1", 1, 1, to));
        OnnxStageRunner runner = OnnxStageRunner.open(weights, new LayerRange(0, 6), OPTIONS.withLanes(2));
        open.add(runner);
        Member member =
                cluster.add(LocalCluster.settings("a", ActivationDtype.FP32, 16), runner, new CpuDevice(), tokenizer);
        open.add(member.lanes);
        List<GroupPool> groups = Stream.of("t0", "t1")
                .flatMap(tenant -> Stream.of("prefill", "steps", "decode")
                        .map(group -> new GroupPool(new KernelGroup(new TenantId(tenant), group), 1)))
                .toList();
        cluster.limit(new SharingLimits(1, 1, 50_000_000, 1, Long.MAX_VALUE, List.of(), 0, groups));
        JsonNode cases = reference.get("cases");
        for (int i = 0; i < cases.size(); i++) {
            List<Integer> prompt = ids(cases.get(i).get("prompt_token_ids"));
            member.deliver(cluster.bestEffort("r" + i, "t" + i % 2, prompt, 64));
        }
        long deadline = System.nanoTime() + 300_000_000_000L;
        while (runner.kvReservedTokens() > 0 || member.lanes.busy() || !member.topic.isEmpty()) {
            assertThat(System.nanoTime()).as("everything comes to its end").isLessThan(deadline);
            cluster.settleInTime();
            if (member.lanes.busy()) {
                assertThat(back.tryAcquire(1, TimeUnit.MINUTES)).isTrue();
            }
        }
        for (int i = 0; i < cases.size(); i++) {
            assertThat(cluster.generated("r" + i))
                    .as(cases.get(i).get("prompt").asText())
                    .isEqualTo(ids(cases.get(i).get("greedy_token_ids")));
        }
        assertThat(cluster.failures).isEmpty();
        assertThat(member.sharing.view(cluster.clock.get()).pooledSlices()).isGreaterThan(20);
        assertThat(member.sharing.take(cluster.clock.get()).getGroups())
                .anySatisfy(use -> assertThat(use.getLanes()).isOne());
    }

    @Test
    void shouldWriteSensibleTextWithHalfPrecisionBetweenStages() {
        Member first = chain("2 4 6", ActivationDtype.FP16, 128);
        JsonNode wanted = reference.get("cases").get(0);
        first.deliver(cluster.prompt("r", 1, ids(wanted.get("prompt_token_ids")), 64));
        cluster.settle();

        assertThat(cluster.generated("r").subList(0, 8))
                .isEqualTo(ids(wanted.get("greedy_token_ids")).subList(0, 8));
    }

    @Test
    void shouldRepeatTheReferenceWhileWorkersExchangeTheirLayersInMidGeneration() {
        Member a = chain("3 6", ActivationDtype.FP32, 16);
        Member b = cluster.second();
        OnnxStageRunner spare = OnnxStageRunner.empty(weights, OPTIONS);
        open.add(spare);
        Member c = cluster.add(LocalCluster.settings("c", ActivationDtype.FP32, 16), spare, new CpuDevice(), tokenizer);
        JsonNode cases = reference.get("cases");
        startSome(a, cases, 0, cases.size() / 3);

        a.order(2, new LayerRange(0, 4)); // grows
        a.load();
        c.order(2, new LayerRange(4, 6)); // a spare becomes the last stage, tokenizer and head included
        c.load();
        b.order(2, null); // becomes a spare while its sessions go on
        startSome(a, cases, cases.size() / 3, 2 * cases.size() / 3);
        b.order(3, new LayerRange(0, 2)); // and the first stage, beside the layers that drain
        b.load();
        a.order(3, new LayerRange(2, 4)); // shrinks
        cluster.members.remove(a.id);
        cluster.members.put(a.id, a); // the order of the new pipeline: b, c, a
        startSome(b, cases, 2 * cases.size() / 3, cases.size(), List.of(b, a, c));
        cluster.settle();

        assertThat(cluster.failures).isEmpty();
        for (int i = 0; i < cases.size(); i++) {
            assertThat(cluster.generated("r" + i))
                    .as(cases.get(i).get("prompt").asText())
                    .isEqualTo(ids(cases.get(i).get("greedy_token_ids")));
            assertThat(text("r" + i)).isEqualTo(cases.get(i).get("greedy_text").asText());
        }
        a.sweepAfterGrace();
        b.sweepAfterGrace();
        c.sweepAfterGrace();
        assertThat(a.newest().held()).isEqualTo(HeldLayers.of(new LayerRange(2, 4)));
        assertThat(b.newest().held()).isEqualTo(HeldLayers.of(new LayerRange(0, 2)));
        assertThat(c.newest().held()).isEqualTo(HeldLayers.of(new LayerRange(4, 6)));
        for (Member member : List.of(a, b, c)) {
            member.order(4, null);
            member.sweepAfterGrace();
            assertThat(member.runner.held()).isEqualTo(HeldLayers.NONE);
            assertThat(((OnnxStageRunner) member.runner).kvAllocatedBytes()).isZero();
        }
    }

    /** Sessions over all stages that serve, in their order, some steps each. */
    private void startSome(Member first, JsonNode cases, int from, int to) {
        startSome(
                first,
                cases,
                from,
                to,
                cluster.members.values().stream()
                        .filter(member -> member.runner.served().isPresent())
                        .toList());
    }

    private void startSome(Member first, JsonNode cases, int from, int to, List<Member> pipeline) {
        List<Stage> stages = pipeline.stream()
                .map(member -> new Stage(
                        member.id.value(),
                        member.runner.layers().first(),
                        member.runner.layers().end()))
                .toList();
        for (int i = from; i < to; i++) {
            List<Integer> prompt = ids(cases.get(i).get("prompt_token_ids"));
            first.deliver(LocalCluster.tokenChunk("r" + i, 1, 0, prompt, cluster.setup(prompt.size(), 64, stages)));
        }
        for (int i = from; i < to; i++) {
            while (cluster.generated("r" + i).isEmpty()) {
                cluster.rounds(1);
            }
        }
        for (int i = from; i < to; i++) {
            assertThat(cluster.generated("r" + i)).as("in mid-generation").hasSizeBetween(1, 63);
        }
    }

    @Test
    void shouldMeasureItsSpeedAndLeaveNoSlotBehind() {
        OnnxStageRunner runner = OnnxStageRunner.open(weights, new LayerRange(2, 6), OPTIONS);
        open.add(runner);

        CostModel cost = new SpeedProbe(runner, System::nanoTime).measure();

        assertThat(runner.kvReservedTokens()).isZero();
        assertThat(cost.decodeTokensPerSecond()).isBetween(10.0, 1e7);
        assertThat(cost.prefillTokensPerSecond(32)).isGreaterThan(10);
    }

    private Member chain(String ends, ActivationDtype type, int prefillChunk) {
        int from = 0;
        char name = 'a';
        for (String end : ends.split(" ")) {
            OnnxStageRunner runner =
                    OnnxStageRunner.open(weights, new LayerRange(from, Integer.parseInt(end)), OPTIONS);
            open.add(runner);
            LoopSettings settings = LocalCluster.settings(String.valueOf(name++), type, prefillChunk);
            cluster.add(settings, runner, new CpuDevice(), tokenizer);
            from = Integer.parseInt(end);
        }
        return cluster.members.values().iterator().next();
    }

    private String text(String session) {
        StringBuilder text = new StringBuilder();
        cluster.tokens.stream()
                .filter(token -> token.getRequestId().equals(session))
                .forEach(token -> text.append(token.getText()));
        return text.toString();
    }

    private static List<Integer> ids(JsonNode array) {
        List<Integer> ids = new ArrayList<>();
        array.forEach(id -> ids.add(id.asInt()));
        return ids;
    }
}
