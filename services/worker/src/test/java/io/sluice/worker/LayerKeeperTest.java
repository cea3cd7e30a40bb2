package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.Trouble;
import io.sluice.records.ActivationChunk;
import io.sluice.records.Stage;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.HeldLayers;
import io.sluice.worker.device.CpuDevice;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class LayerKeeperTest {
    private static final long KV = 100_000;

    private final LocalCluster cluster = new LocalCluster();

    @Test
    void shouldSwitchWhenTheMissingLayersAreLoadedAndServeUntilThen() {
        Member a = cluster.fake("a", 0, 3, KV);
        Member b = cluster.fake("b", 3, 6, KV);
        start("before");

        a.order(2, new LayerRange(0, 4));
        assertThat(a.newest().served()).contains(new LayerRange(0, 3));
        assertThat(a.newest().held()).as("being got ready").isEqualTo(held(0, 4));
        assertThat(a.newest().epoch()).isEqualTo(1);
        start("meanwhile");
        a.load();
        assertThat(a.newest().served()).contains(new LayerRange(0, 4));
        assertThat(a.newest().epoch()).isEqualTo(2);
        assertThat(a.newest().cost().decodeMicros()).as("speed of four layers").isEqualTo(4);
        assertThat(a.newest().kvCapacityTokens()).isEqualTo(KV * 3 / 4);
        b.order(2, new LayerRange(4, 6));
        assertThat(b.newest().served()).contains(new LayerRange(4, 6));
        assertThat(b.newest().drainingSessions()).isEqualTo(2);
        start("after");
        cluster.settle();

        List.of("before", "meanwhile", "after").forEach(this::assertComplete);
        assertThat(transitions("a", "done")).isEqualTo(1);
        assertThat(b.fake().batches)
                .as("old and new range in one batch")
                .anyMatch(batch -> batch.stream()
                                .map(input -> input.slot().layers())
                                .distinct()
                                .count()
                        > 1);
        b.sweepAfterGrace();
        assertThat(b.newest().drainingSessions()).isZero();
        assertThat(b.newest().held()).isEqualTo(held(4, 6));
        assertThat(b.fake().inMemory).isEqualTo(held(4, 6));
    }

    @Test
    void shouldMakeAWorkerThatIsNoLongerNamedASpareAndDrainIt() {
        cluster.fake("a", 0, 3, KV);
        Member b = cluster.fake("b", 3, 6, KV);
        start("r");
        TokenStep tokens = b.keeper.tokens();

        b.order(2, null);

        assertThat(b.newest().served()).isEmpty();
        assertThat(b.newest().epoch()).isEqualTo(2);
        assertThat(b.newest().drainingSessions()).isEqualTo(1);
        assertThat(b.newest().kvCapacityTokens()).as("over one layer").isEqualTo(3 * KV);
        assertThat(b.newest().cost().decodeMicros()).as("of one layer").isEqualTo(1);
        b.sweepAfterGrace();
        assertThat(b.newest().held()).as("a session needs them").isEqualTo(held(3, 6));
        assertThat(b.keeper.tokens()).isSameAs(tokens);
        cluster.settle();
        assertComplete("r");
        b.loop.sweep();
        assertThat(b.newest().held()).isEqualTo(HeldLayers.NONE);
        assertThat(b.newest().drainingSessions()).isZero();
        assertThat(b.fake().inMemory).isEqualTo(HeldLayers.NONE);
        assertThat(b.keeper.tokens()).isNull();
    }

    @Test
    void shouldTurnASpareIntoALastStage() {
        cluster.fake("a", 0, 3, KV);
        Member c = spare("c", 6);
        assertThat(c.keeper.tokens()).isNull();
        assertThat(c.keeper.holding().layersServed()).isZero();

        c.order(5, new LayerRange(3, 6));
        c.load();
        start("r");
        cluster.settle();

        assertComplete("r");
        assertThat(c.newest().epoch()).isEqualTo(5);
    }

    @Test
    void shouldStillServeWhatWasRoutedBeforeTheSwitch() {
        cluster.fake("a", 0, 3, KV);
        Member b = cluster.fake("b", 3, 6, KV);
        var routed = cluster.prompt("r", 1, ids("r".hashCode(), 20), 8);
        b.order(2, null);
        b.loop.sweep();
        cluster.first().deliver(routed);
        cluster.settle();

        assertComplete("r");
    }

    @Test
    void shouldLetFormerLayersGoAsSoonAsNoSessionComesForThemAnyMore() {
        cluster.fake("a", 0, 3, KV);
        Member b = cluster.fake("b", 3, 6, KV);
        b.order(2, new LayerRange(4, 6));

        b.sweepAfter(LayerKeeper.LEAST_GRACE.minusMillis(1));
        assertThat(b.newest().held()).as("one that was routed before may come").isEqualTo(held(3, 6));
        b.sweepAfter(Duration.ofMillis(1));

        assertThat(b.newest().held()).isEqualTo(held(4, 6));
    }

    @Test
    void shouldKeepFormerLayersWhileSessionsStillComeForThem() {
        cluster.fake("a", 0, 3, KV);
        Member b = cluster.fake("b", 3, 6, KV);
        Map<String, ActivationChunk> routedBefore = new LinkedHashMap<>();
        for (int i = 0; i < 2 * LayerKeeper.LEAST_GRACE.toSeconds(); i++) {
            String session = "late-" + i;
            routedBefore.put(session, cluster.prompt(session, 1, ids(session.hashCode(), 20), 8));
        }
        b.order(2, new LayerRange(4, 6));

        routedBefore.forEach((session, prompt) -> {
            cluster.first().deliver(prompt);
            cluster.settle();
            b.sweepAfter(Duration.ofSeconds(1));
            assertComplete(session);
            assertThat(b.fake().inMemory).as("after %s", session).isEqualTo(held(3, 6));
        });
        b.sweepAfter(LayerKeeper.QUIET);

        assertThat(b.fake().inMemory).isEqualTo(held(4, 6));
    }

    @Test
    void shouldFailOnlyTheSessionThatWantsLayersWhichAreNotHeld() {
        cluster.fake("a", 0, 3, KV);
        Member b = cluster.fake("b", 3, 6, KV);
        start("good");
        b.deliver(hidden("lost", 2, null));
        List<Stage> stale = List.of(new Stage("a", 0, 3), new Stage("b", 3, 6));
        b.order(2, new LayerRange(4, 6));
        cluster.settle();
        b.sweepAfterGrace();
        cluster.first().deliver(LocalCluster.tokenChunk("stale", 1, 0, ids(1, 5), cluster.setup(5, 3, stale)));
        cluster.settle();

        assertComplete("good");
        assertThat(cluster.failures).hasSize(2);
        assertThat(cluster.failures.getFirst().message())
                .contains("worker b does not hold layer 2 of the session, it holds [3, 6)");
        assertThat(cluster.failures.getLast().session()).isEqualTo("stale");
        assertThat(cluster.failures.getLast().trouble()).isEqualTo(Trouble.LAYERS_NOT_HELD);
        assertThat(cluster.failures.getLast().message())
                .contains("worker b does not hold layers [3, 6) of the session, it holds [4, 6)")
                .contains("send the request again");
        cluster.first().deliver(LocalCluster.drop("stale", 1)); // as the router does then
        assertThat(cluster.first().fake().live).isEmpty();
    }

    @Test
    void shouldKeepWhatItServesWhenLoadingFailsAndTryTheNextPlacement() {
        Member a = cluster.fake("a", 0, 3, KV);
        cluster.fake("b", 3, 6, KV);
        a.fake().loadFailure = "no room for 99 bytes";
        a.order(2, new LayerRange(0, 5));
        a.load();

        assertThat(a.newest().served()).contains(new LayerRange(0, 3));
        assertThat(a.newest().epoch()).isEqualTo(1);
        assertThat(a.newest().held()).isEqualTo(held(0, 3));
        assertThat(transitions("a", "failed")).isEqualTo(1);
        start("r");
        cluster.settle();
        assertComplete("r");
        a.fake().loadFailure = null;
        a.order(3, new LayerRange(0, 5));
        a.load();
        assertThat(a.newest().served()).contains(new LayerRange(0, 5));
        assertThat(a.newest().epoch()).isEqualTo(3);
    }

    @Test
    void shouldFollowTheNewestPlacementWhenItComesWhileLoading() {
        Member a = cluster.fake("a", 0, 1, KV);
        a.order(2, new LayerRange(0, 4));
        a.order(3, new LayerRange(0, 5));
        assertThat(transitions("a", "superseded")).isEqualTo(1);
        a.load();
        assertThat(a.newest().served()).as("not the former target").contains(new LayerRange(0, 1));
        assertThat(a.fake().held()).isEqualTo(held(0, 4));
        a.load();
        assertThat(a.newest().served()).contains(new LayerRange(0, 5));
        assertThat(a.newest().epoch()).isEqualTo(3);

        a.order(4, new LayerRange(0, 6));
        a.order(5, new LayerRange(0, 5));
        assertThat(a.loads.isAsked()).isTrue();
        a.load();
        assertThat(a.newest().epoch()).isEqualTo(5);
        a.loop.sweep();
        assertThat(a.fake().inMemory).as("loaded in vain").isEqualTo(held(0, 5));
        assertThat(a.keeper.tokens()).isNull();
    }

    @Test
    void shouldBecomeASpareAtOnceEvenWhileLoading() {
        Member a = cluster.fake("a", 0, 1, KV);
        a.order(2, new LayerRange(0, 4));
        a.order(3, null);
        assertThat(a.newest().served()).isEmpty();
        assertThat(a.newest().epoch()).isEqualTo(3);
        a.load();
        a.sweepAfterGrace();
        assertThat(a.newest().held()).isEqualTo(HeldLayers.NONE);
        assertThat(a.fake().inMemory).isEqualTo(HeldLayers.NONE);
    }

    @Test
    void shouldOnlyAnnounceAPlacementThatChangesNothingAndIgnoreOlderOnes() {
        Member a = cluster.fake("a", 0, 3, KV);
        a.order(4, new LayerRange(0, 3));
        assertThat(a.newest().epoch()).isEqualTo(4);
        assertThat(a.loads.isAsked()).isFalse();
        assertThat(transitions("a", "unchanged")).isEqualTo(1);
        int announced = a.announced.size();

        a.order(3, new LayerRange(2, 6));
        a.order(4, new LayerRange(2, 6));
        a.loop.sweep();

        assertThat(a.announced).hasSize(announced);
        assertThat(a.loads.isAsked()).isFalse();
    }

    @Test
    void shouldWaitUntilFormerLayersAreGoneWhenBothDoNotFit() {
        cluster.fake("a", 0, 3, KV);
        Member b = cluster.add(
                LocalCluster.settings("b", ActivationDtype.FP16, 16),
                new FakeStageRunner(new LayerRange(3, 6), KV),
                new CpuDevice(),
                new FakeTokenizer(),
                4);
        start("r");
        b.order(2, new LayerRange(0, 3));
        assertThat(b.newest().served()).as("six at once are too many").contains(new LayerRange(3, 6));
        assertThat(transitions("b", "failed")).isEqualTo(1);

        b.order(3, null);
        b.order(4, new LayerRange(0, 3));
        b.sweepAfterGrace();
        assertThat(b.loads.isAsked()).as("a session is still there").isFalse();
        cluster.settle();
        assertComplete("r");
        b.loop.sweep();
        b.load();
        assertThat(b.newest().served()).contains(new LayerRange(0, 3));
        assertThat(b.newest().epoch()).isEqualTo(4);
        assertThat(b.fake().inMemory).isEqualTo(held(0, 3));
    }

    @Test
    void shouldRefuseMoreLayersThanItCanHoldOrTheModelHas() {
        Member c = spare("c", 2);
        c.order(2, new LayerRange(0, 3));
        c.order(3, new LayerRange(5, 7));

        assertThat(c.loads.isAsked()).isFalse();
        assertThat(transitions("c", "failed")).isEqualTo(2);
        assertThat(c.newest().epoch()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void shouldEndEverySessionWithItsTextWhateverThePlacementsDo(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        cluster.fake("a", 0, 3, KV);
        cluster.fake("b", 3, 6, KV);
        cluster.fake("c", 0, 6, KV);
        spare("d", 6);
        List<Member> members = List.copyOf(cluster.members.values());
        cluster.fake("e", 0, 6, KV); // stays, so that there is always a pipeline
        Map<String, Integer> sessions = new HashMap<>();
        long epoch = 1;
        for (int step = 0; step < 300; step++) {
            Member member = members.get(random.nextInt(members.size()));
            switch (random.nextInt(5)) {
                case 0 -> {
                    int first = random.nextInt(6);
                    LayerRange range = new LayerRange(first, first + 1 + random.nextInt(6 - first));
                    member.order(++epoch, random.nextInt(4) == 0 ? null : range);
                }
                case 1 -> member.load();
                case 2 -> route(random, "r" + step, sessions);
                case 3 -> sweepIfEveryStageKnowsItsSessions(member, sessions);
                default -> cluster.rounds(1 + random.nextInt(4));
            }
        }
        cluster.settle();

        assertThat(cluster.failures).as("seed %d", seed).isEmpty();
        assertThat(sessions).hasSizeGreaterThan(10);
        sessions.forEach((session, tokens) -> assertThat(cluster.generated(session))
                .as("seed %d %s", seed, session)
                .isEqualTo(FakeStageRunner.expected(ids(session.hashCode(), 20), tokens)));
        for (Member member : members) {
            member.load();
            member.load();
            member.order(++epoch, null);
            member.sweepAfterGrace();
            assertThat(member.fake().live).isEmpty();
            assertThat(member.fake().inMemory).isEqualTo(HeldLayers.NONE);
            assertThat(member.keeper.tokens()).isNull();
            assertThat(member.newest().held()).isEqualTo(HeldLayers.NONE);
        }
    }

    /** A session over workers that serve, each from where the one before ends, if there is such a pipeline. */
    private void route(SplittableRandom random, String session, Map<String, Integer> sessions) {
        List<Stage> stages = new ArrayList<>();
        List<Member> left = new ArrayList<>(cluster.members.values());
        int layer = 0;
        while (layer < FakeStageRunner.LAYERS) {
            int at = layer;
            List<Member> fit = left.stream()
                    .filter(m -> m.runner.served().map(r -> r.contains(at)).orElse(false))
                    .toList();
            if (fit.isEmpty()) {
                return;
            }
            Member next = fit.get(random.nextInt(fit.size()));
            left.remove(next);
            layer = next.runner.layers().end();
            stages.add(new Stage(next.id.value(), at, layer));
        }
        int tokens = 1 + random.nextInt(40);
        sessions.put(session, tokens);
        cluster.members
                .get(new WorkerId(stages.getFirst().getWorker()))
                .deliver(LocalCluster.tokenChunk(
                        session, 1, 0, ids(session.hashCode(), 20), cluster.setup(20, tokens, stages)));
    }

    private void sweepIfEveryStageKnowsItsSessions(Member member, Map<String, Integer> sessions) {
        if (sessions.keySet().stream().noneMatch(s -> cluster.generated(s).isEmpty())) {
            member.sweepAfterGrace();
        }
    }

    private Member spare(String name, int maxLayers) {
        return cluster.add(
                LocalCluster.settings(name, ActivationDtype.FP16, 16),
                new FakeStageRunner(Optional.empty(), 3 * KV),
                new CpuDevice(),
                new FakeTokenizer(),
                maxLayers);
    }

    /** Starts a session over what is served now and lets it write a few tokens. */
    private void start(String session) {
        cluster.first().deliver(cluster.prompt(session, 1, ids(session.hashCode(), 20), 60));
        cluster.rounds(8);
        assertThat(cluster.generated(session)).isNotEmpty();
    }

    private void assertComplete(String session) {
        List<Integer> prompt = ids(session.hashCode(), 20);
        List<Integer> generated = cluster.generated(session);
        assertThat(generated).hasSizeGreaterThanOrEqualTo(8);
        assertThat(generated).isEqualTo(FakeStageRunner.expected(prompt, generated.size()));
        assertThat(cluster.tokens)
                .anyMatch(token -> token.getRequestId().equals(session) && token.getFinishReason() != null);
        assertThat(cluster.failures.stream().map(LocalCluster.Failure::session)).doesNotContain(session);
    }

    private io.sluice.records.ActivationChunk hidden(
            String session, int enterLayer, io.sluice.records.SessionSetup setup) {
        var chunk = LocalCluster.tokenChunk(session, 1, 0, List.of(1), setup);
        chunk.setEnterLayer(enterLayer);
        chunk.setDtype(io.sluice.records.DType.FP32);
        chunk.setHidden(FakeStageRunner.HIDDEN);
        chunk.setPayload(java.nio.ByteBuffer.allocate(FakeStageRunner.HIDDEN * Float.BYTES));
        return chunk;
    }

    private double transitions(String worker, String outcome) {
        var timer = cluster.meters
                .find("sluice.worker.transition")
                .tags("worker", worker, "outcome", outcome)
                .timer();
        return timer == null ? 0 : timer.count();
    }

    private static HeldLayers held(int first, int end) {
        return HeldLayers.of(new LayerRange(first, end));
    }
}
