package io.sluice.worker.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.sharing.GateDecision.Start;
import io.sluice.core.sharing.GateSettings;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.SliceOffer;
import io.sluice.core.sharing.StepSlowdown;
import io.sluice.core.sharing.TenantId;
import java.util.List;
import org.junit.jupiter.api.Test;

final class BesideControlTest {
    private static final long MS = 1_000_000;
    private static final long STEP = 10 * MS;
    private static final int STEPS = 50_000;
    private static final StepSlowdown.Kind DECODE = new StepSlowdown.Kind(false, 1, 30);
    private static final SliceOffer OFFER = new SliceOffer(new TenantId("t"), 1, "decode:8", 4, 1, 0);

    private final SharingControl control = new SharingControl(
            SharingSettings.DEFAULT.withCores(1), GateSettings.temporal().withSideLanes(1));
    private long now = 1_000 * MS;
    private int beside;

    /** A step, with a slice on the lane for all of it where that is allowed, which makes it so many times as long. */
    private void step(double factor) {
        step(factor, now);
    }

    private void step(double factor, long came) {
        control.criticalStarted(now);
        double slowed;
        if (control.mayRunBeside(DECODE) && control.nextBeside(List.of(OFFER), now) instanceof Start start) {
            long took = (long) (factor * STEP);
            now += took;
            control.besideEnded(start.slice(), 4, 1, took, 0, now);
            slowed = control.stepEnded(DECODE, took, 1, took);
            beside++;
        } else {
            now += STEP;
            slowed = control.stepEnded(DECODE, STEP, 0, 0);
        }
        control.criticalFinished(new long[] {came}, slowed, now);
        now += 5 * MS;
    }

    /** A step that comes while a slice runs in a gap, and waits too long for it. */
    private void stepAfterALongSlice() {
        if (control.next(List.of(OFFER), now) instanceof Start start) {
            long came = now;
            now += 2 * MS;
            control.sliceEnded(start.slice(), start.slice().units(), 0, 1, now);
            step(1, came);
        }
    }

    /** Gaps and lane together would miss more steps than allowed, if the lane were tried as often as its own misses let it. */
    @Test
    void shouldKeepTheGapsOpenWhereEveryStepMissesBesideALane() {
        control.limits(new SharingLimits(1, 1, 10 * MS, 1, Long.MAX_VALUE - 1).withSideLanes(1), now);
        double quotas = 0;
        for (int i = 0; i < STEPS; i++) {
            step(1.5);
            if (i % 400 == 399) {
                stepAfterALongSlice();
            }
            quotas += control.view(now).ownQuota();
        }
        assertThat(control.view(now).violations()).as("missed steps").isBetween(150L, STEPS / 100L);
        assertThat(beside).as("it is tried now and then").isBetween(10, STEPS / 500);
        assertThat(quotas / STEPS)
                .as("mean quota, of which the gaps need a half")
                .isGreaterThan(0.9);
    }

    @Test
    void shouldUseALaneThatStepsBear() {
        control.limits(new SharingLimits(1, 1, 10 * MS, 1, Long.MAX_VALUE - 1).withSideLanes(1), now);
        for (int i = 0; i < STEPS; i++) {
            step(1.05);
        }
        assertThat(control.view(now).violations()).isZero();
        assertThat(beside).isGreaterThan(STEPS * 9 / 10);
    }
}
