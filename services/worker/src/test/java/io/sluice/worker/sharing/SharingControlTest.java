package io.sluice.worker.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.sharing.ConformalQuota;
import io.sluice.core.sharing.GateDecision;
import io.sluice.core.sharing.GateDecision.Reason;
import io.sluice.core.sharing.GateDecision.Start;
import io.sluice.core.sharing.GateDecision.Wait;
import io.sluice.core.sharing.GateSettings;
import io.sluice.core.sharing.RunningSlice;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.SliceOffer;
import io.sluice.core.sharing.TenantId;
import io.sluice.records.SharingReport;
import io.sluice.records.TenantUse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class SharingControlTest {
    private static final long MS = 1_000_000;
    private static final TenantId TENANT = new TenantId("t");

    private final List<String> computed = new ArrayList<>();
    private final SharingControl control = new SharingControl(
            SharingSettings.DEFAULT,
            GateSettings.temporal(),
            (tenant, positions) -> computed.add(tenant + " " + positions));
    private long now = 1_000 * MS;

    private static SliceOffer offer(TenantId tenant, long units) {
        return new SliceOffer(tenant, 1, "decode:8", units, 1, 0);
    }

    private static SharingLimits limits(long epoch, double quota, long until) {
        return new SharingLimits(epoch, quota, 10 * MS, 1, until);
    }

    private GateDecision ask() {
        return control.next(List.of(offer(TENANT, 4)), now);
    }

    private RunningSlice start() {
        GateDecision decision = ask();
        assertThat(decision).isInstanceOf(Start.class);
        return ((Start) decision).slice();
    }

    private void end(RunningSlice slice) {
        control.sliceEnded(slice, slice.units(), 0, 8, now);
    }

    /** A slice of this length. */
    private void slice(long nanos) {
        RunningSlice slice = start();
        now += nanos;
        end(slice);
    }

    /** A latency-critical batch that came so long ago and is served for so long. */
    private void critical(long cameBeforeNanos, long serviceNanos) {
        long ready = now - cameBeforeNanos;
        control.criticalStarted(now);
        now += serviceNanos;
        control.criticalFinished(new long[] {ready}, 0, now);
        now += MS;
    }

    /** A batch of steps that came with a slice of so long before them, each with a budget (ms, 0: none), served for 10 ms. */
    private void afterASlice(long sliceMs, long... budgetMs) {
        long came = now;
        if (ask() instanceof Start started) {
            now += sliceMs * MS;
            end(started.slice());
        }
        long[] ready = new long[budgetMs.length];
        double[] budgets = new double[budgetMs.length];
        for (int i = 0; i < ready.length; i++) {
            ready[i] = came;
            budgets[i] = budgetMs[i] * (double) MS;
        }
        control.criticalStarted(now);
        now += 10 * MS;
        control.criticalFinished(ready, budgets, 0, now);
        now += 10 * MS;
    }

    private double ownQuotaAfter(int batches, long sliceMs, long... budgetMs) {
        control.limits(limits(1, 1, Long.MAX_VALUE - 1), now);
        for (int i = 0; i < batches; i++) {
            afterASlice(sliceMs, budgetMs);
        }
        return control.view(now).ownQuota();
    }

    private static Reason why(GateDecision decision) {
        return ((Wait) decision).reason();
    }

    @Test
    void shouldStartNothingWithoutLimitsAndAfterTheirEnd() {
        assertThat(why(ask())).isEqualTo(Reason.NO_FRESH_LIMITS);
        assertThat(control.limitsUntilNanos()).isEqualTo(Long.MIN_VALUE);

        control.limits(limits(1, 1, now + 100 * MS), now);
        slice(MS);
        assertThat(control.take(now).getLimitsFresh()).isTrue();

        now += 100 * MS;
        assertThat(why(ask())).isEqualTo(Reason.NO_FRESH_LIMITS);
        SharingReport report = control.take(now);
        assertThat(report.getLimitsFresh()).isFalse();
        assertThat(report.getQuota()).isZero();
        assertThat(report.getLimitsEpoch()).isEqualTo(1);
    }

    @Test
    void shouldMakeASliceYieldWhenTheLeaseEndsWhileItRuns() {
        control.limits(limits(1, 1, now + 2 * MS), now);
        RunningSlice slice = start();
        now += MS;
        assertThat(control.mustYield(slice, now)).isFalse();
        now += MS;
        assertThat(control.mustYield(slice, now)).isTrue();
        end(slice);
        assertThat(why(ask())).isEqualTo(Reason.NO_FRESH_LIMITS);
    }

    @Test
    void shouldStopWhenLimitsAllowNothingAndIgnoreOlderOnes() {
        control.limits(limits(5, 1, now + 1_000 * MS), now);
        RunningSlice slice = start();
        control.limits(limits(6, 0, now + 1_000 * MS), now);
        assertThat(control.mustYield(slice, now)).isTrue();
        end(slice);
        control.limits(limits(5, 1, now + 1_000 * MS), now);
        assertThat(why(ask())).isEqualTo(Reason.NOT_ALLOWED);
    }

    @Test
    void shouldLetLatencyCriticalWorkGoFirst() {
        control.limits(limits(1, 1, now + 1_000 * MS), now);
        RunningSlice slice = start();
        control.criticalWaiting(3, now);
        control.criticalWaiting(4, now);
        assertThat(control.mustYield(slice, now)).isTrue();
        end(slice);
        assertThat(why(ask())).isEqualTo(Reason.CRITICAL_WORK);
        control.criticalWaiting(0, now);
        now += MS;
        assertThat(ask()).as("it went away without running").isInstanceOf(Start.class);
    }

    @Test
    void shouldTellWhatASliceCausedThoughTheArrivalIsHeardOfAfterIt() {
        control.limits(limits(1, 1, now + 1_000 * MS), now);
        slice(5 * MS);
        now += MS;
        // Came 2 ms before the slice ended, 1 ms ago.
        critical(3 * MS, 10 * MS);

        SharingReport report = control.take(now);
        assertThat(report.getRequests()).isEqualTo(1);
        assertThat(report.getViolations()).as("13 instead of 11 ms").isEqualTo(1);
        assertThat(report.getWaitNs()).isEqualTo(3e6);
        assertThat(report.getCausedWaitNs()).isEqualTo(2e6);
        assertThat(report.getServiceNs()).isEqualTo(10e6);
        assertThat(report.getServiceP99Ns()).isEqualTo(10e6);
        assertThat(report.getResponseP99Ns()).isEqualTo(13e6);
        assertThat(report.getDrains()).isEqualTo(1);
        assertThat(report.getDrainNs()).isEqualTo(2e6);
        assertThat(control.take(now).getRequests()).as("next interval").isZero();
        assertThat(control.take(now).getLongestDrainNs()).isEqualTo(2e6);
    }

    @Test
    void shouldNotCountWaitingBehindLatencyCriticalWork() {
        control.limits(limits(1, 1, now + 100_000 * MS), now);
        for (int i = 0; i < 50; i++) {
            slice(MS);
            now += MS;
            // It came when the slice had ended, and stood behind other work for long.
            critical(MS, 500_000);
            critical(100_000, 300 * MS);
        }
        assertThat(control.view(now).violations()).isZero();
        assertThat(control.view(now).steps()).isEqualTo(100);
        assertThat(control.view(now).quota()).isEqualTo(1);
    }

    @Test
    void shouldLowerTheQuotaAtOnceThoughThePublishedOneIsHigh() {
        control.limits(limits(1, 1, now + 100_000 * MS), now);
        slice(5 * MS);
        critical(5 * MS, 10 * MS);
        assertThat(control.view(now).quota()).isCloseTo(0.9505, within(1e-9));
        slice(5 * MS);
        critical(5 * MS, 10 * MS);
        assertThat(control.view(now).quota()).as("the second one of twenty").isLessThan(0.5);

        control.limits(limits(2, 1, now + 10_000 * MS), now);
        assertThat(control.view(now).quota())
                .as("new limits raise nothing that this worker lowered")
                .isLessThan(0.5);
        assertThat(control.view(now).publishedQuota()).isEqualTo(1);
    }

    @Test
    void shouldCountAMissFromTheQuotaUnderWhichTheSliceStarted() {
        control.limits(limits(1, 0.2, now + 10_000 * MS), now);
        slice(5 * MS);
        critical(5 * MS, 10 * MS);
        assertThat(control.view(now).quota()).isCloseTo(0.1505, within(1e-9));
    }

    @Test
    void shouldGetItsQuotaBackInALullAndNotInTheGapsBetweenSteps() {
        control.limits(limits(1, 1, now + 100_000 * MS), now);
        for (int i = 0; i < 4; i++) {
            slice(5 * MS);
            critical(5 * MS, 10 * MS);
        }
        double low = control.view(now).quota();
        assertThat(low).isLessThan(0.3);
        for (int i = 0; i < 20; i++) {
            now += 900 * MS;
            ask();
            critical(0, MS);
        }
        assertThat(control.view(now).ownQuota()).isCloseTo(low + 20 * 0.0005, within(1e-6));
        for (int i = 0; i < 100 && control.view(now).ownQuota() < 1; i++) {
            now += 250 * MS;
            control.take(now);
        }
        assertThat(control.view(now).quota()).isEqualTo(1);
    }

    @Test
    void shouldReportWhatTenantsUsedAndForgetThoseThatAreGone() {
        control.limits(limits(1, 1, now + 1_000 * MS), now);
        control.take(now);
        control.bestEffortWaiting(List.of(new SharingControl.TenantLoad(TENANT, 2.5, 7)), 1);
        RunningSlice slice = start();
        now += 2 * MS;
        TenantUse half = control.take(now).getTenants().getFirst();
        assertThat(half.getRunNs()).as("of the slice that still runs").isEqualTo(2e6);
        assertThat(half.getUnits()).isZero();
        now += MS;
        end(slice);
        control.bestEffortDone(TENANT, 8);
        TenantUse use = control.take(now).getTenants().getFirst();
        assertThat(use.getTenant()).isEqualTo("t");
        assertThat(use.getRunNs()).isEqualTo(1e6);
        assertThat(use.getLaneNs()).isEqualTo(1e6);
        assertThat(use.getUnits()).isEqualTo(8 * slice.units());
        assertThat(use.getTokens()).isEqualTo(8);
        assertThat(use.getWaiting()).isEqualTo(7);
        assertThat(computed).containsExactly("t 8");

        control.bestEffortWaiting(List.of(), 0);
        assertThat(control.take(now).getTenants()).isEmpty();
        assertThat(control.view(now).slices()).isEqualTo(1);
        assertThat(control.view(now).sliceNanos()).isEqualTo(3 * MS);
    }

    @Test
    void shouldReportOnlyWhatAReaderCanBelieve() {
        Random random = new Random(3);
        long reported = now;
        long until = now + 60_000 * MS;
        control.limits(limits(1, 1, until), now);
        control.take(now);
        while (now < until) {
            if (random.nextInt(3) == 0) {
                critical(random.nextLong(8 * MS), 1 + random.nextLong(5 * MS));
            } else if (ask() instanceof Start started) {
                now += random.nextLong(started.slice().boundNanos());
                if (random.nextInt(10) == 0) {
                    reported = believable(reported);
                }
                control.sliceEnded(
                        started.slice(), random.nextLong(started.slice().units() + 1), 0, 8, now);
            }
            now += random.nextLong(MS);
            if (now - reported > 250 * MS) {
                reported = believable(reported);
            }
        }
    }

    private long believable(long formerNanos) {
        SharingReport report = control.take(now);
        assertThat(report.getViolations()).isBetween(0L, report.getRequests());
        assertThat(report.getCausedWaitNs()).isBetween(0.0, report.getWaitNs());
        assertThat(report.getBesideNs()).isBetween(0.0, report.getServiceNs());
        assertThat(report.getRequests() > 0).isEqualTo(report.getServiceP99Ns() > 0);
        for (TenantUse use : report.getTenants()) {
            assertThat(use.getRunNs()).isBetween(0.0, Math.max(1.0, now - formerNanos));
            assertThat(use.getUnits() == 0 || use.getRunNs() > 0).isTrue();
        }
        return now;
    }

    /** Slices twice as long as a step may lose, from a tenant that says they take nothing. */
    @Test
    void shouldBoundMissedStepsWhateverTheTenantSays() {
        Random random = new Random(7);
        control.limits(limits(1, 1, Long.MAX_VALUE - 1), now);
        long steps = 0;
        long next = now;
        while (steps < 20_000) {
            if (now >= next) {
                long ready = next;
                control.criticalStarted(now);
                now += 10 * MS;
                control.criticalFinished(new long[] {ready}, 0, now);
                next = now + (long) (-Math.log(1 - random.nextDouble()) * 10 * MS);
                steps++;
            }
            GateDecision decision = control.next(List.of(new SliceOffer(TENANT, 1, "lie", 1_000, 1, 0)), now);
            if (decision instanceof Start started) {
                now += 2 * MS;
                control.sliceEnded(started.slice(), started.slice().units(), 0, 1, now);
            } else {
                now = Math.max(now + 1, Math.min(next, ((Wait) decision).until()));
            }
        }
        SharingView view = control.view(now);
        assertThat(view.steps()).isEqualTo(20_000);
        double bound = ConformalQuota.usual(SharingSettings.DEFAULT_TARGET).bound(steps, 0);
        assertThat((double) view.violations() / steps).isBetween(1e-4, bound);
        assertThat(view.slices()).as("and work is done").isGreaterThan(1_000);
    }

    @Test
    void shouldTakeTheQuotaDownByATightBudgetButNotByALooseOneWithTheSameSlices() {
        assertThat(ownQuotaAfter(20, 3, 100))
                .as("10 ms of work and 3 ms of waiting in 100 ms")
                .isEqualTo(1);
        assertThat(control.view(now).excused()).isEqualTo(20);
        assertThat(control.view(now).violations()).isZero();
        assertThat(control.take(now).getExcused()).isEqualTo(20);

        assertThat(ownQuotaAfter(5, 3, 12)).as("in 12 ms").isLessThan(1);
        assertThat(control.view(now).violations()).isPositive();
    }

    @Test
    void shouldTakeTheQuotaDownByATightBudgetBeforeTheShareWould() {
        assertThat(ownQuotaAfter(20, 0, 0)).isEqualTo(1);
        afterASlice(1, 0);
        assertThat(control.view(now).violations())
                .as("a tenth longer is within the share")
                .isZero();
        afterASlice(1, 10);
        assertThat(control.view(now).violations()).as("but not within 10 ms").isEqualTo(1);
        assertThat(control.view(now).ownQuota()).isLessThan(1);
    }

    @Test
    void shouldJudgeByTheShareWhereABudgetIsOutOfReach() {
        assertThat(ownQuotaAfter(5, 3, 9))
                .as("late even alone, and much slowed down")
                .isLessThan(1);
    }

    /** Most steps say that they have all the time in the world; the few others of their batches have not. */
    @Test
    void shouldNotLetSessionsThatAskForLittleGiveAwayTheTimeOfOthersInTheirBatch() {
        long[] budgets = new long[200];
        Arrays.fill(budgets, 86_400_000);
        budgets[7] = 0;
        assertThat(ownQuotaAfter(10, 3, budgets)).isLessThan(0.7);
    }

    @Test
    void shouldNotLetABudgetExcuseMoreThanTheOperatorAllows() {
        assertThat(ownQuotaAfter(3, 25, 86_400_000))
                .as("made more than twice as long")
                .isLessThan(1);
    }

    @Test
    void shouldDoNothingWhereItIsNotWanted() {
        SharingControl off = new SharingControl(SharingSettings.OFF, GateSettings.temporal());
        off.limits(limits(1, 1, now + 1_000 * MS), now);
        assertThat(why(off.next(List.of(offer(TENANT, 1)), now))).isEqualTo(Reason.NOT_ALLOWED);
        assertThat(off.take(now)).isNull();
        assertThat(off.view(now).quota()).isZero();
    }

    @Test
    void shouldRefuseAnOrderOfCallsThatCannotBe() {
        assertThatThrownBy(() -> control.criticalFinished(new long[0], 0, now)).hasMessageContaining("never started");
        control.criticalStarted(now);
        assertThatThrownBy(() -> control.criticalStarted(now)).hasMessageContaining("before the former one ended");
    }

    @Test
    void shouldRefuseSettingsThatMakeNoSense() {
        assertThatThrownBy(() -> new SharingSettings(true, 0, 0.5, 0.01)).hasMessageContaining("--slowdown is 0.0");
        assertThatThrownBy(() -> new SharingSettings(true, 0.1, 1.5, 0.01))
                .hasMessageContaining("--best-effort-kv-share is 1.5");
        assertThatThrownBy(() -> new SharingSettings(true, 0.1, 0.5, Double.NaN))
                .hasMessageContaining("NaN");
        assertThatThrownBy(() -> new SharingSettings(true, 0.1, 0.5, 0.01, 11))
                .hasMessageContaining("--slo-slowdown is 11.0");
    }
}
