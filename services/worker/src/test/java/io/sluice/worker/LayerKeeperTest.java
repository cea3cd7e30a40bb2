package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.records.Stage;
import io.sluice.runtime.HeldLayers;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How workers take up placements. */
final class LayerKeeperTest extends OnKeptLayers {
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
}
