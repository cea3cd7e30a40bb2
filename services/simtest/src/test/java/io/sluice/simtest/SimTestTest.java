package io.sluice.simtest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SimTestTest {
    private static final long STEPS = 20_000;
    /** Within so many seeds every broken variant must have shown itself. */
    private static final int SEEDS_TO_CATCH = 12;

    private static SimReport run(long firstSeed, int seeds, Mutation mutation, int threads) {
        return SimTest.run(new SimTest.Plan(firstSeed, seeds, STEPS, mutation, threads), progress -> {});
    }

    @Test
    void shouldHoldEveryInvariantWhateverFails() {
        SimReport report = run(1, 40, Mutation.NONE, 2);

        assertThat(report.violations()).isEmpty();
        assertThat(report.faults().keySet()).containsExactlyInAnyOrder(FaultKind.values());
        assertThat(report.completed()).isGreaterThan(report.requests() / 2);
        assertThat(report.recoveries()).containsKeys("rebuilt from the log", "caches kept", "replayed");
    }

    @ParameterizedTest
    @EnumSource(value = Mutation.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void shouldNoticeWhenAPartIsBroken(Mutation mutation) {
        SimReport broken = run(1, SEEDS_TO_CATCH, mutation, 2);

        assertThat(broken.violations()).isNotEmpty();
        SeedRun.Violation first = broken.violations().getFirst();
        assertThat(first.invariant()).isEqualTo(invariantOf(mutation));
        assertThat(first.lastEvents()).isNotEmpty();
    }

    private static String invariantOf(Mutation mutation) {
        return switch (mutation) {
            case NO_FENCING -> "3 fencing";
            case LOST_OFFSET_INDEX -> "offset index";
            case DOUBLE_PUBLISH -> "1 one end";
            case STALE_EPOCH -> "5 newest epoch";
            case KV_LEAK -> "KV reservations";
            case STALE_LIMITS -> "6 fresh limits";
            case LOST_OBJECTIVES -> "7 objectives stay";
            case NONE -> "";
        };
    }

    @Test
    void shouldRepeatExactlyWhateverTheNumberOfThreads() {
        SimReport alone = run(100, 6, Mutation.NONE, 1);
        SimReport together = run(100, 6, Mutation.NONE, 3);

        assertThat(together.hash()).isEqualTo(alone.hash());
        assertThat(together.steps()).isEqualTo(alone.steps());
        assertThat(together.faults()).isEqualTo(alone.faults());
    }

    @Test
    void shouldReplayAViolationFromItsSeed() {
        SeedRun.Violation found =
                run(1, SEEDS_TO_CATCH, Mutation.KV_LEAK, 2).violations().getFirst();
        SeedRun.Result again = SeedRun.run(found.seed(), STEPS, Mutation.KV_LEAK);

        assertThat(again.violation()).isEqualTo(found);
    }

    @Test
    void shouldDifferWhenTheSeedDiffers() {
        assertThat(SeedRun.run(1, 2_000, Mutation.NONE).hash())
                .isNotEqualTo(SeedRun.run(2, 2_000, Mutation.NONE).hash());
    }

    @Test
    void shouldRejectAPlanWithoutSeeds() {
        assertThatThrownBy(() -> new SimTest.Plan(1, 0, 1, Mutation.NONE, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("0 seeds");
    }

    @Test
    void shouldRejectAnUnknownMutation() {
        assertThatThrownBy(() -> Mutation.parse("lost-luggage"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("lost-luggage")
                .hasMessageContaining("no-fencing");
    }
}
