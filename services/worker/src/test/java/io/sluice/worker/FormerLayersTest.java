package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.recovery.Trouble;
import io.sluice.records.ActivationChunk;
import io.sluice.records.DType;
import io.sluice.records.SessionSetup;
import io.sluice.records.Stage;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.HeldLayers;
import io.sluice.worker.device.CpuDevice;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What becomes of layers that a placement takes away, and of the sessions on them. */
final class FormerLayersTest extends OnKeptLayers {
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

    private ActivationChunk hidden(String session, int enterLayer, SessionSetup setup) {
        var chunk = LocalCluster.tokenChunk(session, 1, 0, List.of(1), setup);
        chunk.setEnterLayer(enterLayer);
        chunk.setDtype(DType.FP32);
        chunk.setHidden(FakeStageRunner.HIDDEN);
        chunk.setPayload(ByteBuffer.allocate(FakeStageRunner.HIDDEN * Float.BYTES));
        return chunk;
    }
}
