package io.sluice.core.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

final class PromptWindowTest {
    @Test
    void shouldKeepPromptsAtOnceWithinTheWindow() {
        PromptWindow window = new PromptWindow(2, 10, 100);
        assertThat(window.admits(5000)).as("an empty window takes any prompt").isTrue();
        window.started(100);
        assertThat(window.admits(100)).isTrue();
        window.started(100);
        assertThat(window.admits(1)).isFalse();
        window.finished(100);
        assertThat(window.admits(150)).isFalse();
        assertThat(window.admits(100)).isTrue();
    }

    @Test
    void shouldGrowWhilePromptsAreFastAndShrinkWhenTheyQueueUp() {
        PromptWindow window = new PromptWindow(8, 20, 100);
        prompts(window, 500, 1.2);
        assertThat(window.limit()).isEqualTo(20);
        prompts(window, 2000, 4);
        assertThat(window.limit()).isEqualTo(4);
    }

    @Test
    void shouldSettleWherePromptsTakeTheWantedMultipleOfTheirTimeAlone() {
        PromptWindow window = new PromptWindow(4, 64, 100);
        for (int i = 0; i < 5000; i++) {
            window.started(100);
            window.finished(100, window.limit() / 4, 1); // a pipeline that overlaps four prompts
        }
        assertThat(window.limit()).isBetween(9.0, 11.0);
    }

    @Test
    void shouldLetPromptsQueueUpFurtherWhileKvCacheStaysFree() {
        PromptWindow window = new PromptWindow(8, 20, 100);
        double between = (PromptWindow.SLOWNESS + PromptWindow.MOST_SLOWNESS) / 2;
        window.kvHeld(0.3);
        prompts(window, 500, between);
        assertThat(window.limit()).as("outputs are short, prompts are the work").isEqualTo(20);
        window.kvHeld(0.95);
        prompts(window, 2000, between);
        assertThat(window.limit()).as("outputs fill the cache").isEqualTo(4);
        assertThat(window.wantedSlowness()).isEqualTo(PromptWindow.SLOWNESS);
    }

    @Test
    void shouldBeQuietWhileNoMoreIsComputedThanTheSmallestWindowLetsIn() {
        PromptWindow window = new PromptWindow(8, 20, 100);
        window.started(100_000);
        assertThat(window.isQuiet()).as("one is alone, however long").isTrue();
        window.finished(100_000);
        for (int i = 0; i < 4; i++) {
            window.started(100);
        }
        assertThat(window.isQuiet()).isTrue();
        for (int i = 0; i < 40; i++) {
            window.started(100);
        }
        assertThat(window.isQuiet()).isFalse();
    }

    @Test
    void shouldRejectNonsense() {
        assertThatThrownBy(() -> new PromptWindow(0, 1, 1)).hasMessageContaining("must be positive");
        PromptWindow window = new PromptWindow(1, 1, 1);
        assertThatThrownBy(() -> window.finished(1)).hasMessageContaining("none had started");
        window.started(1);
        assertThatThrownBy(() -> window.finished(1, 1, 0)).hasMessageContaining("positive");
        assertThatThrownBy(() -> window.kvHeld(Double.NaN)).hasMessageContaining("NaN");
    }

    private static void prompts(PromptWindow window, int count, double slowness) {
        for (int i = 0; i < count; i++) {
            window.started(100);
            window.finished(100, slowness, 1);
        }
    }
}
