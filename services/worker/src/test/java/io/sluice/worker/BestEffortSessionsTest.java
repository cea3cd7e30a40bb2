package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.recovery.Trouble;
import io.sluice.records.ActivationChunk;
import io.sluice.records.Token;
import io.sluice.worker.sharing.SharingSettings;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What becomes of best-effort sessions that fail, are dropped, refused, or in the way of a placement. */
final class BestEffortSessionsTest extends OnBestEffortCluster {
    @Test
    void shouldFailOnlyTheSessionWhoseInputTheRunnerRefuses() {
        stages(1);
        Member worker = cluster.first();
        worker.fake().poison = 13f;
        allow(3 * LAYER);
        // Prompts of one token, so that they are one batch.
        worker.deliver(
                prompt("good", "t", List.of(12), 3),
                prompt("bad", "t", List.of(13), 3),
                prompt("fine", "t", List.of(11), 3));
        settle();

        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.session()).isEqualTo("bad");
            assertThat(failure.trouble()).isEqualTo(Trouble.COMPUTE_FAILED);
            assertThat(failure.message()).contains("poisoned input 13");
        });
        assertThat(cluster.generated("good")).isEqualTo(FakeStageRunner.expected(List.of(12), 3));
        assertThat(cluster.generated("fine")).isEqualTo(FakeStageRunner.expected(List.of(11), 3));
        assertThat(worker.fake().live).isEmpty();
    }

    @Test
    void shouldLeaveASessionOutThatIsDroppedWhileItsBatchRests() {
        stages(1);
        Member worker = cluster.first();
        allow(20 * LAYER);
        for (int i = 0; i < 4; i++) {
            worker.deliver(prompt("r" + i, "t", ids(i, 5), 20));
        }
        // Steps of all four are in one batch, which rests.
        while (worker.fake().underWay() < 4) {
            assertThat(worker.loop.step(() -> true)).isTrue();
        }
        worker.loop.step(() -> true);
        worker.deliver(LocalCluster.drop("r1", 1));
        assertThat(worker.fake().live).hasSize(3);
        int before = cluster.generated("r1").size();
        settle();

        assertThat(cluster.generated("r1")).hasSize(before);
        for (int i : List.of(0, 2, 3)) {
            assertThat(cluster.generated("r" + i)).isEqualTo(FakeStageRunner.expected(ids(i, 5), 20));
        }
        assertThat(cluster.failures).isEmpty();
        assertThat(worker.fake().live).isEmpty();
    }

    @Test
    void shouldGoOnToAnotherAttemptWhileTheBatchOfTheFormerOneRests() {
        stages(1);
        Member worker = cluster.first();
        allow(LAYER);
        worker.deliver(prompt("r", "t", ids(1, 30), 6));
        worker.loop.step();
        worker.loop.step();
        ActivationChunk again = prompt("r", "t", ids(1, 30), 6);
        again.setAttempt(2);
        worker.deliver(again);
        settle();

        assertThat(cluster.generated("r")).isEqualTo(FakeStageRunner.expected(ids(1, 30), 6));
        assertThat(cluster.tokens).extracting(Token::getAttempt).containsOnly(2);
        assertThat(worker.fake().live).isEmpty();
    }

    @Test
    void shouldKeepTheLayersOfABatchThatRestsUntilNoSessionIsExpectedForThem() {
        stages(2);
        Member first = cluster.first();
        allow(LAYER);
        first.deliver(prompt("r", "t", ids(1, 30), 6));
        first.loop.step();
        first.order(2, null);
        first.sweepAfter(LayerKeeper.LEAST_GRACE.minusMillis(1));
        assertThat(first.runner.held().contains(new LayerRange(0, 3))).isTrue();
        limits(LAYER, Long.MAX_VALUE);
        settle();

        assertThat(cluster.generated("r")).isEqualTo(FakeStageRunner.expected(ids(1, 30), 6));
        assertThat(cluster.failures).isEmpty();
    }

    @Test
    void shouldGiveWayToAPlacementWhateverRests() {
        stages(2);
        Member first = cluster.first();
        allow(LAYER);
        first.deliver(prompt("rests", "t", ids(1, 30), 6));
        first.deliver(cluster.prompt("critical", 1, ids(2, 30), 6));
        first.loop.step();
        limits(0, Long.MAX_VALUE);
        first.order(2, null);
        first.sweepAfterGrace();

        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.trouble()).isEqualTo(Trouble.LAYERS_NOT_HELD);
            assertThat(failure.message()).contains("layers [0, 3)", "gives way");
        });
        settle();
        assertThat(cluster.generated("critical")).isEqualTo(FakeStageRunner.expected(ids(2, 30), 6));
        first.loop.sweep();
        assertThat(first.runner.held().isEmpty()).isTrue();
        assertThat(first.fake().live).isEmpty();
    }

    @Test
    void shouldRefuseBestEffortSessionsWhereTheyAreNotTaken() {
        cluster.bestEffort = SharingSettings.OFF;
        cluster.stages(1);
        cluster.first().deliver(prompt("r", "t", ids(1, 4), 3), cluster.prompt("urgent", 1, ids(2, 4), 1));
        settle();
        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.session()).isEqualTo("r");
            assertThat(failure.trouble()).isEqualTo(Trouble.NO_CAPACITY);
            assertThat(failure.message()).contains("takes no best-effort work");
        });
        assertThat(cluster.generated("urgent")).hasSize(1);
    }
}
