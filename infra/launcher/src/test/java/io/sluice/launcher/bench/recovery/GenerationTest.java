package io.sluice.launcher.bench.recovery;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.launcher.bench.recovery.Generation.Outcome;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.weights.SyntheticModel;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class GenerationTest {
    private static final int TOKENS = 96;
    private static final double NO_LIMIT = Double.POSITIVE_INFINITY;

    @TempDir
    static Path folder;

    private static ModelWeights weights;
    private static StageRow stages;

    @BeforeAll
    static void openStages() throws Exception {
        SyntheticModel.write(folder, SyntheticModel.tiny(), ActivationDtype.FP16, 1);
        weights = ModelFiles.weights(folder);
        stages = StageRow.open(weights, 3, new RuntimeOptions(1, 16 << 20));
    }

    @AfterAll
    static void closeStages() {
        stages.close();
        weights.close();
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void shouldRepeatTheUndisturbedTokensWhateverIsLost(Way way) {
        Outcome undisturbed = generate(Way.SLUICE, new FailureDraws(0, 0), NO_LIMIT);
        int lost = 0;
        for (long seed = 1; seed <= 5; seed++) {
            // A restart needs some luck to get through at all.
            Outcome outcome = generate(way, new FailureDraws(seed, way == Way.RESTART ? 0.005 : 0.05), NO_LIMIT);
            lost += outcome.failures();
            assertThat(outcome.tokens()).as("seed %s", seed).isEqualTo(undisturbed.tokens());
        }
        assertThat(lost).isPositive();
    }

    @Test
    void shouldMeetTheSameLossesAtTheSameSteps() {
        FailureDraws draws = new FailureDraws(7, 0.1);
        long struck = IntStream.range(0, 30_000)
                .filter(i -> draws.strikes(i / 3, i % 3))
                .count();

        assertThat(struck).isBetween(2_700L, 3_300L);
        assertThat(IntStream.range(0, 100))
                .allMatch(i -> draws.strikes(i, 1) == new FailureDraws(7, 0.1).strikes(i, 1));
    }

    @Test
    void shouldStopWhenTheTimeIsOver() {
        Outcome outcome = generate(Way.RESTART, new FailureDraws(1, 1), 0.05);

        assertThat(outcome.finished(TOKENS)).isFalse();
        assertThat(outcome.failures()).isPositive();
    }

    @Test
    void shouldPairEveryStepOfTheTwinsButTheFirst() {
        PairedRatio cost = LogCost.measure(stages, new int[] {5, 6, 7}, 33, 2, ignored -> {});

        assertThat(cost.pairs()).isEqualTo(64);
        assertThat(cost.ratio()).isBetween(cost.low(), cost.high());
    }

    @Test
    void shouldKnowWhatTheLiveServicesSpendPerToken() {
        LiveBookkeeping.PerToken slow = LiveBookkeeping.measure(3, 1);

        assertThat(slow.ledgerNanos()).isPositive();
        assertThat(slow.heartbeatNanos()).isPositive();
        assertThat(slow.nanos()).isLessThan(1e9);
    }

    private static Outcome generate(Way way, FailureDraws draws, double limitSeconds) {
        try (Generation generation = new Generation(stages, new int[] {5, 6, 7, 8, 9}, TOKENS, way, draws)) {
            return generation.run(limitSeconds);
        }
    }
}
