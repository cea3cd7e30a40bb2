package io.sluice.sharing.policy;

import io.sluice.core.sharing.ConformalQuota;
import io.sluice.core.sharing.GateDecision;
import io.sluice.core.sharing.GateSettings;
import io.sluice.core.sharing.QuotaState;
import io.sluice.core.sharing.RunningSlice;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.SliceGate;
import io.sluice.core.sharing.SliceOffer;
import io.sluice.core.sharing.SloReport;
import io.sluice.core.sharing.TenantId;
import io.sluice.sharing.gpu.Launch;
import io.sluice.sharing.gpu.SimulatedGpu;
import io.sluice.sharing.policy.KernelTransforms.Choice;
import io.sluice.sharing.policy.KernelTransforms.Form;
import java.util.ArrayList;
import java.util.List;

/**
 * Ours, with the classes of the live services: {@link SliceGate} decides when best-effort slices start, on how many SMs,
 * and when they yield; {@link ConformalQuota} moves the quota by each request against an objective of service time.
 *
 * <p>A slice is so much kernel time (a unit is 1 us as the kernel's profile expects it on the slice's SMs); its kernels are submitted together, so that the
 * host's round trip is paid once per slice. Kernels longer than the bound run as persistent loops that retreat by a flag
 * in mapped memory; the bound is always on, also after lulls. Beside a request the gate's lanes bound the blocks that may
 * be resident.
 */
final class SluicePolicy implements SharingPolicy {
    static final long SLICE_NANOS = 2_000_000;
    static final double FIRST_QUOTA = 0.2;
    static final double TARGET = 0.01;
    private static final double UNIT_NANOS = 1_000;

    /** A slice on the device. */
    private static final class Slice {
        final RunningSlice granted;
        final double unitsMax;
        double unitsDone;
        boolean stopped;
        Launch launch;
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
    private final ConformalQuota law = ConformalQuota.usual(TARGET);
    private QuotaState state = QuotaState.startingAt(FIRST_QUOTA);
    private SharedGpu shared;
    private SimulatedGpu gpu;
    private SliceGate gate;
    private KernelTransforms forms;
    private final List<Slice> slices = new ArrayList<>();
    private long wakeNanos = Long.MAX_VALUE;

    SluicePolicy(long objectiveNanos) {
        this.objectiveNanos = objectiveNanos;
    }

    @Override
    public void begin(SharedGpu device) {
        shared = device;
        gpu = device.gpu();
        int sms = gpu.spec().sms();
        gate = new SliceGate(GateSettings.spatial(sms));
        gate.limits(new SharingLimits(1, state.quota(), SLICE_NANOS, sms, Long.MAX_VALUE), 0);
        forms = new KernelTransforms(gpu.spec(), device.calibration(), TallyPolicy.BOUND_NANOS);
        device.streams(1, 0, false, device.calibration().forwardNanos());
        device.clients().forEach(client -> slices.add(null));
    }

    /** The quota now. */
    double quota() {
        return state.quota();
    }

    @Override
    public void kernelReady(BestEffortClient client) {
        int at = shared.clients().indexOf(client);
        Slice slice = slices.get(at);
        if (slice != null) {
            slice.count();
            if (!slice.stopped && slice.unitsDone < slice.unitsMax) {
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
        takeBack();
        offer();
    }

    @Override
    public void requestEnded() {
        gate.criticalFinished(gpu.now());
        boolean violated = shared.critical().lastServiceNanos() > objectiveNanos;
        if (objectiveNanos != Long.MAX_VALUE) {
            state = law.observe(state, SloReport.one(violated, Double.NaN), gpu.now());
            gate.quota(state.quota(), gpu.now());
        }
        takeBack();
        offer();
    }

    private void end(int at) {
        Slice slice = slices.set(at, null);
        slice.count();
        gate.finished(slice.granted.id(), (long) Math.ceil(slice.unitsDone), gpu.now());
    }

    /** Stops the slices that the gate wants back; blocks that run end first. */
    private void takeBack() {
        for (Slice slice : slices) {
            if (slice != null && !slice.stopped && gate.mustYield(slice.granted.id(), gpu.now())) {
                slice.stopped = true;
                gpu.retreat(slice.launch);
            }
        }
    }

    private void offer() {
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
                wakeAt(((GateDecision.Wait) decision).until());
                return;
            }
        }
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
