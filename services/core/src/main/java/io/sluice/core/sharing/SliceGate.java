package io.sluice.core.sharing;

import io.sluice.core.sharing.GateDecision.Reason;
import io.sluice.core.sharing.GateDecision.Start;
import io.sluice.core.sharing.GateDecision.Wait;
import java.util.ArrayList;
import java.util.List;

/**
 * L0: the strict priority gate of one device. Latency-critical work never asks; best-effort work asks before every slice.
 *
 * <p><b>The quota.</b> On a device that cannot be divided it is the share of device time that best-effort work may take,
 * and a slice starts only after {@code idleNanos} without latency-critical work. On a device with lanes the quota up to
 * the knee k throttles the idle time ({@code q/k} of it), and the rest, {@code (q-k)/(1-k)}, is the share of lanes that
 * best-effort work may hold while latency-critical work is there. One knob, monotone, without a jump at 0.
 *
 * <p><b>Side lanes.</b> A device that runs one thing at a time may have parts that compute on their own
 * ({@link GateSettings#sideLanes}). A slice there runs beside latency-critical work ({@link #nextBeside}), never on an idle device,
 * whose gaps take all of it. The quota up to the knee then throttles the gaps, and above it side lanes may be used.
 *
 * <p><b>Pools.</b> In the gaps of such a device slices of different tenants may also run side by side, each on one side lane
 * ({@link #next(List, List, long)}), under the same quota and in the same turns: a slice on one of N lanes costs 1/N of its
 * time. What needs all of the device waits until the lanes are free, and nothing else starts when it is its turn. Latency-critical
 * work does not wait for a slice on a pool; while it is there, the slice is one beside it.
 *
 * <p><b>The idle hysteresis.</b> Where it may grow it is as long as it can be without costing more than a fifth of the idle time seen
 * lately ({@link IdleWait}): so the short times between the steps of a request are left alone, where most of the idle
 * time is between requests.
 *
 * <p><b>The bound.</b> A slice takes as many units as its {@link SliceProfile} says fit the slice bound. Kinds that are
 * not known yet run one unit at a time, on an idle device, one such slice at once. A slice that is longer than its bound
 * all the same is charged in full and holds its tenant back {@code holdFactor} times its length, doubled with each further
 * one up to the longest hold, and with it everything that is not known yet. Time within the bound pays like time held back,
 * for up to four bounds, so that accidents of the machine cost an honest tenant nothing. So over a time T a tenant spends at
 * most {@code T/(1+holdFactor)} and one slice beyond the bound, whatever it claims; a persistent one ends at one slice per
 * longest hold, and new names do not help, since all unknown work together has one such part (64 tenants are known at
 * most). A device that can stop a slice does so when {@link #mustYield} says so.
 *
 * <p><b>The tenants</b> share by start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996) over lane time: of those
 * that are ready the one with the least virtual time goes first, and one that was away gains nothing by it.
 *
 * <p>Without limits that hold, nothing starts and what runs must yield. All times are ns of one clock; a time before the
 * newest one counts as the newest. Not thread-safe.
 */
public final class SliceGate {
    private static final int BURST_SLICES = 4;
    private static final long LONGEST_BURST_SLICE_NANOS = 100_000_000L;

    private final GateSettings settings;
    private final GateMeter meter = new GateMeter();
    private final TenantAccounts accounts;
    private final List<RunningSlice> running = new ArrayList<>();
    private final SideLanes sides;
    private SharingLimits limits = SharingLimits.NONE;
    private final TokenBucket bucket = new TokenBucket();
    private final CriticalWork critical;
    private long newestNanos = Long.MIN_VALUE;
    private int lanesHeld;
    private int probes;
    private int yielding;
    private long nextId = 1;

    public SliceGate(GateSettings settings) {
        this.settings = settings;
        this.critical = new CriticalWork(new IdleWait(settings.idleNanos(), settings.longestIdleNanos()));
        this.accounts = new TenantAccounts(settings);
        this.sides = new SideLanes(accounts);
    }

    /** New limits. Those with an older epoch than the present ones are ignored; false then. */
    public boolean limits(SharingLimits newLimits, long nowNanos) {
        advance(nowNanos);
        if (newLimits.epoch() < limits.epoch()) {
            return false;
        }
        accounts.settle(limits, burstNanos(), newestNanos);
        limits = newLimits;
        settle();
        return true;
    }

    /** L1 moved the quota within the present limits. */
    public void quota(double quota, long nowNanos) {
        advance(nowNanos);
        if (quota != limits.quota()) {
            limits = limits.withQuota(quota);
            settle();
        }
    }

    /** So many side lanes may be used at most within the present limits. */
    public void sideLanes(int lanes, long nowNanos) {
        advance(nowNanos);
        limits = limits.withSideLanes(lanes);
    }

    /** Limits in use. */
    public SharingLimits limits() {
        return limits;
    }

    /** Latency-critical work is there and waits for the device: best-effort work beyond its lanes must yield. */
    public void criticalArrived(long nowNanos) {
        advance(nowNanos);
        critical.arrived(newestNanos);
        settle();
    }

    /** Latency-critical work that waited runs. */
    public void criticalStarted(long nowNanos) {
        advance(nowNanos);
        critical.started();
        settle();
    }

    /** Latency-critical work has ended. */
    public void criticalFinished(long nowNanos) {
        advance(nowNanos);
        critical.finished(newestNanos);
        settle();
    }

    /** Latency-critical work that waited went away without running. */
    public void criticalWithdrawn(long nowNanos) {
        advance(nowNanos);
        critical.withdrawn(newestNanos);
        settle();
    }

    /** Whether the device has latency-critical work, waiting or running. */
    public boolean criticalThere() {
        return critical.there();
    }

    /** What best-effort work may do now; offers that are ready at this moment, in any order. */
    public GateDecision next(List<SliceOffer> offers, long nowNanos) {
        return next(offers, List.of(), nowNanos);
    }

    /**
     * As {@link #next(List, long)}, where some of the work is for pools.
     *
     * @param whole offers for all of the device
     * @param pooled offers for one side lane in a gap, each of another tenant than all others
     * @throws IllegalArgumentException when something is offered for a pool and the device has no side lanes
     */
    public GateDecision next(List<SliceOffer> whole, List<SliceOffer> pooled, long nowNanos) {
        if (!pooled.isEmpty() && settings.sideLanes() == 0) {
            throw new IllegalArgumentException("offers for pools on a device without side lanes: offer all of it");
        }
        advance(nowNanos);
        settle();
        Wait closed = closed(whole.isEmpty() && pooled.isEmpty());
        if (closed != null) {
            return closed;
        }
        int free = lanesAllowed() - lanesHeld;
        boolean mayProbe = probes == 0 && !criticalThere();
        TenantChoice choice = new TenantChoice(limits, accounts, settings, newestNanos, burstNanos(), free, mayProbe);
        whole.forEach(offer -> choice.consider(offer, false));
        pooled.forEach(offer -> choice.consider(offer, true));
        if (!choice.found()) {
            return choice.refusal();
        }
        if (choice.pooled() ? !running.isEmpty() || sides.held() >= settings.sideLanes() : sides.pooled() > 0) {
            return new Wait(Reason.LANES_TAKEN, Long.MAX_VALUE);
        }
        RunningSlice slice = choice.start(nextId++);
        if (slice.pooled()) {
            sides.started(slice, critical.thereNanos());
        } else {
            running.add(slice);
            lanesHeld += slice.lanes();
        }
        probes += slice.probe() ? 1 : 0;
        return new Start(slice);
    }

    /**
     * What may start now on a side lane, beside latency-critical work that is there; offers of tenants that have no slice, in
     * any order. A slice stops when {@link #mustYield} says so, and after whatever unit its device likes.
     */
    public GateDecision nextBeside(List<SliceOffer> offers, long nowNanos) {
        advance(nowNanos);
        if (!limits.freshAt(newestNanos)) {
            return new Wait(Reason.NO_FRESH_LIMITS, Long.MAX_VALUE);
        }
        if (limits.none()) {
            return new Wait(Reason.NOT_ALLOWED, Long.MAX_VALUE);
        }
        GateDecision decision = sides.next(offers, limits, criticalThere() ? sideLanes() : 0, nextId, newestNanos);
        nextId += decision instanceof Start ? 1 : 0;
        return decision;
    }

    /** A slice on a side lane has ended. */
    public void finishedBeside(long id, long nowNanos) {
        advance(nowNanos);
        if (!sides.ended(id, newestNanos)) {
            throw new IllegalArgumentException("slice " + id + " is on no side lane: report each end once");
        }
        meter.ended(false);
    }

    /** Side lanes that slices hold, those on pools included. */
    public int sideLanesHeld() {
        return sides.held();
    }

    /** Side lanes that may be used while latency-critical work is there. */
    private int sideLanes() {
        return !limits.freshAt(newestNanos) || limits.none()
                ? 0
                : Math.min(settings.sideLanes(limits.quota()), limits.sideLanes());
    }

    private Wait closed(boolean nothingOffered) {
        if (!limits.freshAt(newestNanos)) {
            return new Wait(Reason.NO_FRESH_LIMITS, Long.MAX_VALUE);
        }
        if (limits.none()) {
            return new Wait(Reason.NOT_ALLOWED, Long.MAX_VALUE);
        }
        if (nothingOffered) {
            return new Wait(Reason.NO_OFFER, Long.MAX_VALUE);
        }
        int allowed = lanesAllowed();
        if (allowed == 0) {
            return criticalThere()
                    ? new Wait(Reason.CRITICAL_WORK, Long.MAX_VALUE)
                    : new Wait(Reason.NOT_IDLE_YET, critical.idleFromNanos());
        }
        if (lanesHeld >= allowed) {
            return new Wait(Reason.LANES_TAKEN, Long.MAX_VALUE);
        }
        double rate = settings.timeShare(limits.quota());
        if (!bucket.open(rate)) {
            return new Wait(Reason.QUOTA_USED, Shares.plus(newestNanos, bucket.waitNanos(rate)));
        }
        return null;
    }

    /**
     * A slice has ended, early or not.
     *
     * @param unitsDone units it has done; 0: none, it was stopped
     * @return how long its tenant is held back for it, ns; 0: not at all
     */
    public long finished(long id, long unitsDone, long nowNanos) {
        return finished(id, unitsDone, 0, nowNanos);
    }

    /** As {@link #finished(long, long, long)}, by a device that has timed its units; see {@link #ended}. */
    public long finished(long id, long unitsDone, long usualNanos, long nowNanos) {
        return ended(id, unitsDone, usualNanos, nowNanos).holdNanos();
    }

    /**
     * A slice has ended, early or not, on a pool or not. Time in which latency-critical work was there beside a slice on a
     * pool is not held against it.
     *
     * @param unitsDone units it has done; 0: none, it was stopped
     * @param usualNanos what most of the units took; 0: not timed, then each has its part of the slice
     */
    public SliceEnd ended(long id, long unitsDone, long usualNanos, long nowNanos) {
        advance(nowNanos);
        RunningSlice slice =
                running.stream().filter(other -> other.id() == id).findFirst().orElseGet(() -> sides.onPool(id));
        if (slice == null) {
            throw new IllegalArgumentException("slice " + id + " is not running: report each end once");
        }
        // Before the lanes change, which these shares are charged for.
        accounts.settle(limits, burstNanos(), newestNanos);
        long beside = 0;
        if (slice.pooled()) {
            beside = sides.leaves(slice, critical.thereNanos());
        } else {
            running.remove(slice);
            lanesHeld -= slice.lanes();
        }
        probes -= slice.probe() ? 1 : 0;
        SliceEnd end = accounts.finished(slice, unitsDone, usualNanos, beside, newestNanos);
        meter.ended(end.overrun());
        settle();
        return end;
    }

    /** Whether a running slice must stop at its next point of return. */
    public boolean mustYield(long id, long nowNanos) {
        advance(nowNanos);
        settle();
        for (int i = 0; i < running.size(); i++) {
            if (running.get(i).id() == id) {
                return i >= running.size() - yielding || overdue(running.get(i));
            }
        }
        int beside = sideLanes();
        int onPools = critical.there() || !limits.freshAt(newestNanos) || limits.none() ? beside : settings.sideLanes();
        return sides.mustYield(id, beside, onPools, critical.thereNanos(), newestNanos);
    }

    /** The preempt flag of the device: whether some slice on its own lanes must stop at its next point of return. */
    public boolean preempt(long nowNanos) {
        advance(nowNanos);
        settle();
        return yielding > 0 || running.stream().anyMatch(this::overdue);
    }

    private boolean overdue(RunningSlice slice) {
        return accounts.overrun(slice, 0, newestNanos);
    }

    /** Slices that run on the device's own lanes, oldest first. */
    public List<RunningSlice> running() {
        return List.copyOf(running);
    }

    /** Sums until {@code nowNanos}. */
    public GateCounters counters(long nowNanos) {
        advance(nowNanos);
        return meter.read();
    }

    /**
     * What was learnt of a kind of work: ns per unit on {@code lanes} lanes, by which it is held against the slice bound: an
     * upper estimate, or the usual time where slices stop between units; 0: nothing.
     */
    public double unitNanos(TenantId tenant, String kind, int lanes) {
        return accounts.unitNanos(tenant, kind, lanes);
    }

    private int lanesAllowed() {
        if (!limits.freshAt(newestNanos) || limits.none()) {
            return 0;
        }
        int device = critical.idleAt(newestNanos) ? settings.lanes() : settings.lanesBeside(limits.quota());
        return Math.min(device, limits.lanes());
    }

    /** How many of the newest slices must go so that the rest fits the lanes that are allowed now. */
    private void settle() {
        // What started on an idle device may end on it: the hysteresis is for starts, not for ends.
        boolean bound = criticalThere() || !limits.freshAt(newestNanos) || limits.none();
        int allowed = bound ? lanesAllowed() : settings.lanes();
        int kept = lanesHeld;
        int count = 0;
        for (int i = running.size() - 1; i >= 0 && kept > allowed; i--) {
            kept -= running.get(i).lanes();
            count++;
        }
        yielding = count;
        meter.draining(count > 0 && criticalThere(), newestNanos);
    }

    private void advance(long nowNanos) {
        if (newestNanos == Long.MIN_VALUE) {
            newestNanos = nowNanos;
            return;
        }
        long passed = Math.max(0, nowNanos - newestNanos);
        if (passed == 0) {
            return;
        }
        double share = Math.min(1, settings.share(lanesHeld, sides.pooled()));
        critical.passed(passed);
        meter.passed(passed, critical.waiting(), critical.running(), share, yielding > 0);
        bucket.advance(passed, settings.timeShare(limits.quota()), share, burstNanos());
        newestNanos = nowNanos;
    }

    private long burstNanos() {
        return Math.min(limits.sliceNanos(), LONGEST_BURST_SLICE_NANOS) * BURST_SLICES;
    }
}
