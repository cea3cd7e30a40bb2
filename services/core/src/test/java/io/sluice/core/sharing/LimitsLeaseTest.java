package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LimitsLeaseTest {
    private static final long NOW_NANOS = 5_000_000_000L;
    private static final long AT = 1_700_000_000_000L;
    private static final long MILLI = 1_000_000;

    @Test
    void shouldEndWhenThePublishersClockSaysSo() {
        assertThat(LimitsLease.endNanos(AT, AT + 2_000, NOW_NANOS, AT + 500)).isEqualTo(NOW_NANOS + 1_500 * MILLI);
        assertThat(LimitsLease.endNanos(AT, AT + 2_000, NOW_NANOS, AT + 2_000)).isEqualTo(Long.MIN_VALUE);
    }

    @Test
    void shouldNotGrowWithAClockThatIsAhead() {
        assertThat(LimitsLease.endNanos(AT, AT + 2_000, NOW_NANOS, AT - 9_000)).isEqualTo(NOW_NANOS + 2_000 * MILLI);
        assertThat(LimitsLease.endNanos(Long.MIN_VALUE, Long.MAX_VALUE, NOW_NANOS, AT))
                .isEqualTo(NOW_NANOS + LimitsLease.MOST_SECONDS * 1_000 * MILLI);
    }
}
