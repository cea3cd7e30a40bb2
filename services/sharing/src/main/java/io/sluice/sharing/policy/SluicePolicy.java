package io.sluice.sharing.policy;

import io.sluice.core.sharing.ConformalQuota;
import io.sluice.core.sharing.GateCounters;
import io.sluice.core.sharing.GateDecision;
import io.sluice.core.sharing.GateSettings;
import io.sluice.core.sharing.RunningSlice;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.SliceGate;
import io.sluice.core.sharing.SliceOffer;
import io.sluice.core.sharing.TenantId;
import io.sluice.core.sharing.TwoStageQuota;
import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Launch;
import io.sluice.sharing.gpu.SimulatedGpu;
import io.sluice.sharing.policy.KernelTransforms.Choice;
import io.sluice.sharing.policy.KernelTransforms.Form;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Ours, with the classes of the live services: {@link SliceGate} decides when best-effort slices start, on how many SMs,
 * and when they yield; {@link TwoStageQuota} moves the quota by each request. The objective given is missed by no more
 * than the law allows; work beside requests goes on only while a tighter one is kept, because beside a server whose
 * kernels fill the device it costs much and wins little, and only while no other request waits.
 *
 * <p>The objective also says how long a block may take before it returns: a fixed bound of microseconds leaves places on
 * SMs empty beside a server that would not notice a longer one. Nothing here is set for a pair of jobs.
 *
 * <p>A slice is so much kernel time (a unit is 1 us as the kernel's profile expects it on the slice's SMs); its kernels
 * are submitted together, so that the host's round trip is paid once per slice. Kernels longer than the bound run as
 * persistent loops that retreat by a flag in mapped memory; the bound is always on, also after lulls. Beside a request
 * the gate's lanes bound the blocks that may be resident.
 */
final class SluicePolicy implements SharingPolicy {
    /** Of kernel time in one slice: the host's round trip is then below a percent of it. */
    static final long SLICE_NANOS = 2_000_000;

    /** Of requests that may miss the objective: that of a 99th percentile. */
    static final double TARGET = 0.01;

    /**
     * Part of the objective that half a block may take, the mean drain. The longest one, a whole block less what the input
     * of a request hides, is then 5 % of BERT's time. Chosen on BERT beside all six jobs: 2 % costs 0.007 of best-effort
     * throughput at half load, 4 % wins 0.005 and puts short runs at a tenth of the load above 5 % of the p99.
     */
    static final double TURNAROUND = 0.035;

    /** Tally's bound: a shorter one costs more in half-empty SMs than a request can gain. */
    static final double TURNAROUND_MIN_NANOS = TallyPolicy.BOUND_NANOS;

    /** A whole block then fits a slice, so the gate's bound on slices holds. */
    static final double TURNAROUND_MAX_NANOS = SLICE_NANOS / 2.0;

    /** Part of the objective that work beside requests must keep: 3 % above alone where the objective is 10 % above. */
    static final double BESIDE_OBJECTIVE = 1.03 / 1.1;

    /** Of the lanes, beside a request, before anything is known: a twentieth cost Llama 2 %. */
    static final double FIRST_BESIDE = 0.055;

    /** After a request: the next one needs longer than this for its input, so there is nothing to wait for. */
    static final long IDLE_NANOS = 10_000;

    private static final double UNIT_NANOS = 1_000;

    /** A slice on the device. */
    private static final class Slice {
        final RunningSlice granted;
        final double unitsMax;
        double unitsDone;
        boolean stopped;
        Launch launch;
        boolean loop;
        long returnNanos;
        double unitsPerBlock;

        Slice(RunningSlice granted, double unitsMax) {
            this.granted = granted;
            this.unitsMax = unitsMax;
        }

        /** Counts the launch that has ended. */
        void count() {
            if (launch != null) {
                unitsDone += unitsPerBlock * (launch.blocks() - launch.left());
                launch = null;
            }
        }
    }

    private final long objectiveNanos;
    private TwoStageQuota quota;
    private SharedGpu shared;
    private SimulatedGpu gpu;
    private SliceGate gate;
    private KernelTransforms forms;
    private double knee;
    private final List<Slice> slices = new ArrayList<>();
    private final TimeAccount account = new TimeAccount();
    private long wakeNanos = Long.MAX_VALUE;

    SluicePolicy(long objectiveNanos) {
        this.objectiveNanos = objectiveNanos;
    }

    @Override
    public void begin(SharedGpu device) {
        shared = device;
        gpu = device.gpu();
        int sms = gpu.spec().sms();
        GateSettings usual = GateSettings.spatial(sms);
        GateSettings settings = new GateSettings(
                sms, true, usual.knee(), IDLE_NANOS, usual.tolerance(), usual.holdFactor(), usual.longestHoldNanos());
        knee = settings.knee();
        long beside = Math.round(objectiveNanos * BESIDE_OBJECTIVE);
        quota = new TwoStageQuota(ConformalQuota.usual(TARGET), knee, objectiveNanos, beside, FIRST_BESIDE);
        gate = new SliceGate(settings);
        gate.limits(new SharingLimits(1, quota.quota(), SLICE_NANOS, sms, Long.MAX_VALUE), 0);
        forms = new KernelTransforms(gpu.spec(), device.calibration(), turnaroundNanos());
        device.streams(1, 0, false, 0); // the worker launches both classes itself: no process in between
        device.clients().forEach(client -> slices.add(null));
    }

    private double turnaroundNanos() {
        return objectiveNanos == Long.MAX_VALUE
                ? TURNAROUND_MIN_NANOS
                : Math.clamp(TURNAROUND * objectiveNanos, TURNAROUND_MIN_NANOS, TURNAROUND_MAX_NANOS);
    }

    /** The quota now. */
    double quota() {
        return quota.quota();
    }

    @Override
    public void kernelReady(BestEffortClient client) {
        int at = shared.clients().indexOf(client);
        Slice slice = slices.get(at);
        if (slice != null) {
            slice.count();
            if (goesOn(client, slice)) {
                launch(client, slice, gpu.spec().kernelGapNanos());
                return;
            }
            end(at);
        }
        offer();
    }

    @Override
    public void clientIdle(BestEffortClient client) {
        int at = shared.clients().indexOf(client);
        if (slices.get(at) != null) {
            end(at);
        }
    }

    @Override
    public void requestBegan() {
        gate.criticalArrived(gpu.now());
        gate.criticalStarted(gpu.now());
        steer();
        takeBack();
        offer();
    }

    @Override
    public void requestEnded() {
        gate.criticalFinished(gpu.now());
        if (objectiveNanos != Long.MAX_VALUE) {
            quota.observe(shared.critical().lastServiceNanos(), gpu.now());
        }
        steer();
        takeBack();
        offer();
    }

    /** Nothing runs beside a request while another one waits: what slows one down would then slow all behind it. */
    private void steer() {
        boolean queued = shared.critical() != null && shared.critical().queued();
        gate.quota(queued ? Math.min(knee, quota.quota()) : quota.quota(), gpu.now());
    }

    private void end(int at) {
        Slice slice = slices.set(at, null);
        slice.count();
        gate.finished(slice.granted.id(), (long) Math.ceil(slice.unitsDone), gpu.now());
    }

    /** Stops the slices that the gate wants back, as late as the next request allows; blocks that run end first. */
    private void takeBack() {
        for (Slice slice : slices) {
            if (slice != null && !slice.stopped && gate.mustYield(slice.granted.id(), gpu.now())) {
                long latest = latestRetreat(slice);
                if (latest > gpu.now()) {
                    gpu.at(latest, this::takeBack);
                    continue;
                }
                slice.stopped = true;
                if (slice.loop) { // a kernel as it is ends by itself, within the bound
                    gpu.retreat(slice.launch);
                }
            }
        }
    }

    /** While a request copies its input the device is free: blocks may start that end by then. */
    private long latestRetreat(Slice slice) {
        return inputUnderWay() ? firstKernelNanos() - gpu.spec().flagNanos() - slice.returnNanos : gpu.now();
    }

    private boolean inputUnderWay() {
        return shared.criticalBusy() && !shared.criticalLaunched();
    }

    /** Whether the slice may begin its next kernel: it need not yield, or the kernel returns before it must. */
    private boolean goesOn(BestEffortClient client, Slice slice) {
        if (slice.stopped || slice.unitsDone >= slice.unitsMax) {
            return false;
        }
        if (!gate.mustYield(slice.granted.id(), gpu.now())) {
            return true;
        }
        long ends = gpu.now() + gpu.spec().kernelGapNanos() + returnNanos(client.kernel(), forms.loop(client.kernel()));
        return inputUnderWay() && ends < firstKernelNanos();
    }

    /** The longest that a launch keeps places after it was told to retreat; a kernel as it is cannot be told. */
    private long returnNanos(Kernel kernel, Choice choice) {
        return (long)
                (choice.form() == Form.PERSISTENT
                        ? forms.blockNanos(kernel, choice, choice.atATime())
                        : choice.nanos());
    }

    private long firstKernelNanos() {
        return shared.critical().beginNanos() + shared.calibration().prepareNanos();
    }

    private void offer() {
        steer();
        while (true) {
            List<SliceOffer> offers = new ArrayList<>();
            for (int i = 0; i < slices.size(); i++) {
                if (slices.get(i) == null && shared.clients().get(i).ready()) {
                    BestEffortClient client = shared.clients().get(i);
                    String job = client.program().name();
                    offers.add(new SliceOffer(
                            new TenantId("client-" + i),
                            1,
                            job,
                            1_000_000,
                            gpu.spec().sms(),
                            0));
                }
            }
            GateDecision decision = gate.next(offers, gpu.now());
            if (decision instanceof GateDecision.Start start) {
                begin(start.slice());
            } else {
                GateDecision.Wait wait = (GateDecision.Wait) decision;
                enter(runs() ? "best-effort work runs" : wait.reason().text());
                wakeAt(wait.until());
                return;
            }
        }
    }

    private boolean runs() {
        for (Slice slice : slices) {
            if (slice != null) {
                return true;
            }
        }
        return false;
    }

    private void enter(String reason) {
        account.enter((shared.criticalBusy() ? "beside a request: " : "no request: ") + reason, gpu.now());
    }

    /** Time by what best-effort work did or waited for, then what requests paid: take-over delays and drains. */
    @Override
    public String account() {
        String text = account.table(gpu.now());
        if (shared.critical() == null) {
            return text;
        }
        GateCounters gated = gate.counters(gpu.now());
        long takeovers = shared.critical().takeovers();
        return text
                + String.format(
                        Locale.ROOT,
                        "requests %d; take-over delays %d, %.1f us each; drains %d, %.1f us each, longest %.1f us;"
                                + " missed %d%n",
                        shared.critical().ended(),
                        takeovers,
                        shared.critical().takeoverSumNanos() / 1e3 / Math.max(1, takeovers),
                        gated.drains(),
                        gated.drainNanos() / 1e3 / Math.max(1, gated.drains()),
                        gated.longestDrainNanos() / 1e3,
                        quota.violations());
    }

    private void begin(RunningSlice granted) {
        int at = Integer.parseInt(granted.tenant().value().substring("client-".length()));
        BestEffortClient client = shared.clients().get(at);
        // beside a request neighbours slow a slice down: plan for half of it
        Slice slice = new Slice(granted, shared.criticalBusy() ? 0.5 * granted.units() : granted.units());
        slices.set(at, slice);
        launch(client, slice, shared.calibration().launchNanos());
        long overdue = (long) (granted.boundNanos() * 1.6);
        gpu.at(gpu.now() + overdue, this::takeBack);
    }

    /** The next launch of a slice: the kernel, or as many waves of it as the rest of the slice is expected to hold. */
    private void launch(BestEffortClient client, Slice slice, long delayNanos) {
        Choice choice = forms.loop(client.kernel());
        int workers = Math.max(1, Math.min(choice.atATime(), slice.granted.lanes() * choice.perSm()));
        if (slice.granted.lanes() < gpu.spec().sms()
                && workers < choice.atATime()) { // a kernel as it is takes every place
            choice = choice.asLoop();
        }
        double block = forms.blockNanos(client.kernel(), choice, workers);
        double waves = Math.max(1, Math.floor((slice.unitsMax - slice.unitsDone) * UNIT_NANOS / block));
        int blocks = (int) Math.min(client.left(), waves * workers);
        Launch launch = new Launch(client.kernel(), blocks).workersMax(workers);
        if (choice.form() == Form.PERSISTENT) {
            launch.perSmMax(choice.perSm())
                    .persistent(
                            shared.calibration().persistentFactor(),
                            shared.calibration().persistentBlockNanos());
        }
        slice.launch = launch;
        slice.loop = choice.form() == Form.PERSISTENT;
        slice.returnNanos = returnNanos(client.kernel(), choice);
        slice.unitsPerBlock = Math.ceil((double) blocks / workers) * block / UNIT_NANOS / blocks;
        client.launch(launch, delayNanos);
    }

    private void wakeAt(long nanos) {
        if (nanos == Long.MAX_VALUE || (nanos >= wakeNanos && wakeNanos > gpu.now())) {
            return;
        }
        wakeNanos = nanos;
        gpu.at(nanos, () -> {
            wakeNanos = Long.MAX_VALUE;
            takeBack();
            offer();
        });
    }
}
