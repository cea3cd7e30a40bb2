package io.sluice.core.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.LogRange;
import io.sluice.core.stage.LogPicker.Piece;
import java.util.List;
import org.junit.jupiter.api.Test;

class LogPickerTest {
    private static final SessionId SESSION = new SessionId("r1");
    private static final LogRange RANGE = new LogRange(new WorkerId("b"), 3, 9);

    private final LogPicker<String> picker = new LogPicker<>(new LogPicker.Want(SESSION, 3, 2, 6, List.of(RANGE)));

    private void take(int attempt, int position, int count) {
        picker.take(attempt + "@" + position, SESSION, attempt, 2, position, count);
    }

    @Test
    void shouldTakeEachPositionOnceFromTheNewestAttemptThatCameThere() {
        take(2, 4, 3);
        take(1, 0, 3);
        take(1, 3, 3);
        take(1, 0, 3);

        assertThat(picker.inOrder())
                .containsExactly(new Piece<>("1@0", 0, 3), new Piece<>("1@3", 0, 1), new Piece<>("2@4", 0, 2));
        assertThat(picker.missing(picker.inOrder())).isEmpty();
    }

    @Test
    void shouldPassOverWhatIsOfOthersAndMissWhatIsNotThere() {
        take(1, 0, 2);
        take(3, 2, 4);
        picker.take("other", new SessionId("r2"), 1, 2, 2, 4);
        picker.take("elsewhere", SESSION, 1, 4, 2, 4);
        take(1, 3, 3);

        assertThat(picker.missing(picker.inOrder())).contains(2);
        assertThat(picker.missed(2)).contains("position 2", "r1", "b@[3, 9)");
    }

    @Test
    void shouldSayWhenTheTopicDoesNotReachThatFar() {
        assertThat(LogPicker.Want.gone(RANGE, "t", 3, 9)).isEmpty();
        assertThat(LogPicker.Want.gone(RANGE, "t", 4, 9))
                .hasValueSatisfying(why -> assertThat(why).contains("b@[3, 9)", "[4, 9)"));
        assertThat(LogPicker.Want.gone(RANGE, "t", 0, 8)).isPresent();
    }

    @Test
    void shouldRejectAnOrderForNothing() {
        assertThatThrownBy(() -> new LogPicker.Want(SESSION, 2, 0, 0, List.of(RANGE)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("position 0");
    }
}
