package io.sluice.core.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class PromptPaceTest {
    private static final double FIXED_SECONDS = 0.2;
    private static final double SECONDS_PER_TOKEN = 0.01;

    private final PromptPace pace = new PromptPace();

    private static double alone(int tokens) {
        return FIXED_SECONDS + SECONDS_PER_TOKEN * tokens;
    }

    @Test
    void shouldFindTheFixedPartAndTheSecondsPerTokenBelowCrowdedTimes() {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 2_000; i++) {
            int tokens = random.nextInt(16, 4_096);
            pace.seen(tokens, alone(tokens) * (i % 10 == 0 ? 1 : random.nextDouble(1, 5)), false);
        }
        assertThat(pace.fixedSeconds()).isCloseTo(FIXED_SECONDS, within(1e-6));
        assertThat(pace.secondsPerToken()).isCloseTo(SECONDS_PER_TOKEN, within(1e-9));
        assertThat(pace.aloneSeconds(1_000)).isCloseTo(alone(1_000), within(1e-6));
    }

    @Test
    void shouldNeverExceedWhatAnyRecentPromptTook() {
        for (int seed = 0; seed < 50; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            PromptPace any = new PromptPace();
            for (int i = 0; i < 200; i++) {
                int tokens = 1 << random.nextInt(20);
                double seconds = random.nextDouble(0.001, 10);
                any.seen(tokens, seconds, random.nextBoolean());
                assertThat(any.aloneSeconds(tokens)).isLessThanOrEqualTo(seconds * (1 + 1e-9));
                assertThat(any.fixedSeconds()).isNotNegative();
                assertThat(any.secondsPerToken()).isNotNegative();
            }
        }
    }

    @Test
    void shouldBeKnownAfterAFewPrompts() {
        for (int i = 1; i < PromptPace.LEAST_PROMPTS; i++) {
            pace.seen(100, 1, true);
            assertThat(pace.isKnown()).isFalse();
        }
        pace.seen(200, 2, true);
        assertThat(pace.isKnown()).isTrue();
        assertThat(pace.meanTokens()).isBetween(100.0, 200.0);
    }

    @Test
    void shouldForgetABetterPastSlowlyAndOnlyByPromptsAmongFew() {
        pace.seen(100, 1, true);
        for (int i = 0; i < 10_000; i++) {
            pace.seen(100, 4, false);
        }
        assertThat(pace.aloneSeconds(100)).as("they were in a crowd").isCloseTo(1, within(1e-6));
        for (int i = 0; i < PromptPace.DOUBLING_PROMPTS; i++) {
            pace.seen(100, 4, true);
        }
        assertThat(pace.aloneSeconds(100)).isCloseTo(2, within(0.01));
        for (int i = 0; i < 10 * PromptPace.DOUBLING_PROMPTS; i++) {
            pace.seen(100, 4, true);
        }
        assertThat(pace.aloneSeconds(100)).as("what they take now").isCloseTo(4, within(0.01));
        pace.seen(100, 1, false);
        assertThat(pace.aloneSeconds(100)).as("a faster one counts at once").isCloseTo(1, within(1e-6));
    }

    @Test
    void shouldForgetLengthsThatComeNoMore() {
        pace.seen(4_000, 1, true);
        for (int i = 0; i < 20 * PromptPace.DOUBLING_PROMPTS; i++) {
            pace.seen(100, 1, true);
            pace.seen(200, 2, true);
        }
        assertThat(pace.aloneSeconds(100)).isCloseTo(1, within(0.01));
        assertThat(pace.aloneSeconds(200)).isCloseTo(2, within(0.02));
    }

    @Test
    void shouldTakeNoTimeForLessThanClocksTell() {
        pace.seen(10, 0, true);
        assertThat(pace.aloneSeconds(1)).isPositive();
    }

    @Test
    void shouldRejectNonsense() {
        assertThatThrownBy(() -> pace.seen(0, 1, true)).hasMessageContaining("0 tokens");
        assertThatThrownBy(() -> pace.seen(1, -1, true)).hasMessageContaining("-1.0 s");
        assertThatThrownBy(() -> pace.seen(1, Double.NaN, true)).hasMessageContaining("NaN");
    }

    /** A cluster that overlaps four prompts, with a window that knows their times alone only from here. */
    @Test
    void shouldLetTheWindowSettleAsIfTheTimesAloneWereKnown() {
        PromptWindow window = new PromptWindow(12, 64, 100);
        for (int i = 0; i < PromptPace.LEAST_PROMPTS; i++) {
            pace.seen(100, 1, true);
        }
        for (int i = 0; i < 20_000; i++) {
            double atOnce = window.limit();
            window.started(100);
            double seconds = Math.max(1, atOnce / 4);
            pace.seen(100, seconds, atOnce <= 4);
            window.finished(100, seconds, pace.aloneSeconds(100));
        }
        assertThat(window.limit()).isBetween(9.0, 11.0);
    }
}
