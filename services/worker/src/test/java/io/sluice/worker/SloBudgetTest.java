package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.ActivationChunk;
import io.sluice.records.StageBudget;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the budgets that sessions bring make of the same slices. */
final class SloBudgetTest extends OnBestEffortCluster {
    /** A prompt whose computing takes 6 ms, with this budget, that comes 3 ms before the end of a slice. */
    private void promptBehindASlice(String session, long ttftMicros) {
        Member worker = cluster.first();
        long before = cluster.clock.get();
        assertThat(worker.loop.step()).as("a slice runs").isTrue();
        long came = cluster.clock.get() - 3 * LAYER;
        assertThat(came).isGreaterThan(before);
        ActivationChunk prompt = cluster.prompt(session, 1, ids(1, 4), 1);
        if (ttftMicros > 0) {
            prompt.getSetup().setBudgets(List.of(new StageBudget(ttftMicros, 0L)));
        }
        worker.deliver(cluster.logged(worker.id, "router", List.of(prompt)), came);
        assertThat(worker.loop.step()).isTrue();
        assertThat(cluster.generated(session)).as("it goes first").hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({"0, 1, 0", "20000, 0, 1", "9000, 0, 1", "8000, 1, 0", "5000, 1, 0"})
    void shouldCountAStepByItsSessionsBudget(long ttftMicros, long missed, long excused) {
        stages(1);
        allow(100 * LAYER);
        warmUp();
        cluster.first().deliver(prompt("long", "t", ids(2, 400), 2));
        promptBehindASlice("urgent", ttftMicros);

        var view = cluster.first().sharing.view(cluster.clock.get());
        assertThat(view.violations()).isEqualTo(missed);
        assertThat(view.excused()).isEqualTo(excused);
        if (missed > 0) {
            assertThat(view.ownQuota()).isLessThan(1);
        } else {
            assertThat(view.ownQuota()).isEqualTo(1);
        }
    }

    /** Three chunks of 16 positions come at once and take 6 ms each: 18 ms in all, and 3 ms behind the slice. */
    @ParameterizedTest
    @CsvSource({"30000, 0", "19000, 1", "10000, 1"})
    void shouldHoldAPromptOfSeveralChunksAgainstOneBudget(long ttftMicros, long missed) {
        stages(1);
        allow(100 * LAYER);
        warmUp();
        Member worker = cluster.first();
        worker.deliver(prompt("long", "t", ids(2, 400), 2));
        assertThat(worker.loop.step()).isTrue();
        ActivationChunk prompt = cluster.prompt("urgent", 1, ids(1, 48), 1);
        prompt.getSetup().setBudgets(List.of(new StageBudget(ttftMicros, 0L)));
        worker.deliver(cluster.logged(worker.id, "router", List.of(prompt)), cluster.clock.get() - 3 * LAYER);
        for (int i = 0; i < 3; i++) {
            assertThat(worker.loop.step()).isTrue();
        }
        assertThat(cluster.generated("urgent")).hasSize(1);
        assertThat(worker.sharing.view(cluster.clock.get()).violations())
                .as("what a slice has cost counts once")
                .isEqualTo(missed);
    }

    @Test
    void shouldHoldDecodeStepsAgainstTheirOwnBudget() {
        stages(1);
        allow(100 * LAYER);
        warmUp();
        ActivationChunk prompt = cluster.prompt("r", 1, ids(1, 4), 8);
        prompt.getSetup().setBudgets(List.of(new StageBudget(0L, 7_000L)));
        cluster.first().deliver(prompt);
        cluster.first().deliver(prompt("long", "t", ids(2, 400), 2));
        settle();
        var view = cluster.first().sharing.view(cluster.clock.get());
        assertThat(view.steps()).isEqualTo(8);
        assertThat(view.violations() + view.excused())
                .as("nobody was in their way")
                .isZero();
    }
}
