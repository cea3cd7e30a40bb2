package io.sluice.sharing.policy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class TimeAccountTest {
    @Test
    void shouldGiveEveryNanosecondToTheReasonEnteredLast() {
        TimeAccount account = new TimeAccount();
        account.enter("drain", 1_000);
        account.enter("run", 1_300);
        account.enter("run", 1_500);
        account.enter("drain", 1_900);
        assertThat(account.nanos("run", 2_000)).isEqualTo(600);
        assertThat(account.nanos("drain", 2_000)).isEqualTo(400);
        assertThat(account.nanos("drain", 2_600)).isEqualTo(1_000);
        assertThat(account.nanos("never", 2_600)).isZero();
    }

    @Test
    void shouldPrintPartCountAndLengthOfEachReason() {
        TimeAccount account = new TimeAccount();
        account.enter("run", 0);
        account.enter("wait", 3_000_000);
        assertThat(account.table(4_000_000).lines())
                .hasSize(2)
                .anySatisfy(line -> assertThat(line).contains("75.00 %", "1 times", "3000.0 us each", "run"))
                .anySatisfy(line -> assertThat(line).contains("25.00 %", "1 times", "1000.0 us each", "wait"));
    }

    @Test
    void shouldBeEmptyBeforeAnythingWasEntered() {
        assertThat(new TimeAccount().table(5)).isEmpty();
    }
}
