package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Launch;
import io.sluice.sharing.workload.Calibration;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Tally's transparent profiler (Zhao et al., ASPLOS'25, and its repository): for each kernel the original, slices, or a
 * persistent loop with so many workers, such that the turnaround is within a bound and the kernel runs as fast as may be.
 */
final class KernelTransforms {
    private static final int WORKERS_MIN = 24;
    private static final int THREADS_PER_SM_MAX = 1024;

    /** How a kernel is launched: in full, in slices of so many blocks, or by persistent workers. */
    enum Form {
        ORIGINAL,
        SLICED,
        PERSISTENT
    }

    /** One choice: blocks at a time (a slice, or the workers) and blocks per SM; nanoseconds of the whole kernel. */
    record Choice(Form form, int atATime, int perSm, double nanos, double turnaroundNanos) {
        /** The same as a loop, as it must be where only some places may be taken. */
        Choice asLoop() {
            return new Choice(Form.PERSISTENT, atATime, perSm, nanos, turnaroundNanos);
        }
    }

    private final GpuSpec spec;
    private final Calibration calibration;
    private final double boundNanos;
    private final Map<Kernel, Choice> chosen = new IdentityHashMap<>();
    private final Map<Kernel, Choice> loops = new IdentityHashMap<>();

    KernelTransforms(GpuSpec spec, Calibration calibration, double boundNanos) {
        this.spec = spec;
        this.calibration = calibration;
        this.boundNanos = boundNanos;
    }

    Choice choose(Kernel kernel) {
        Choice choice = chosen.get(kernel);
        if (choice == null) {
            choice = profile(kernel);
            chosen.put(kernel, choice);
        }
        return choice;
    }

    /** A launch of at most {@code left} blocks in the chosen form. */
    Launch launch(Kernel kernel, int left, Choice choice) {
        return switch (choice.form()) {
            case ORIGINAL -> new Launch(kernel, left);
            case SLICED -> new Launch(kernel, Math.min(left, choice.atATime()));
            case PERSISTENT ->
                new Launch(kernel, left)
                        .workersMax(choice.atATime())
                        .perSmMax(choice.perSm())
                        .persistent(calibration.persistentFactor(), calibration.persistentBlockNanos());
        };
    }

    private Choice profile(Kernel kernel) {
        int residency = spec.residency(kernel.shape());
        double originalNanos = kernel.soloNanos(spec.sms(), residency);
        Choice original = new Choice(Form.ORIGINAL, kernel.blocks(), residency, originalNanos, originalNanos);
        if (kernel.blocks() <= spec.sms()) {
            return original;
        }
        int perSmMax = Math.max(
                1, Math.min(residency, THREADS_PER_SM_MAX / kernel.shape().threads()));
        double threshold = originalNanos <= boundNanos ? 0.5 : 1.0;
        for (; threshold > 0.05; threshold -= 0.1) {
            for (int perSm = perSmMax; perSm >= 1; perSm--) {
                Choice loop = persistent(kernel, perSm, Math.min(kernel.blocks(), spec.sms() * perSm));
                if (originalNanos / loop.nanos() >= threshold && loop.turnaroundNanos() <= boundNanos) {
                    return loop;
                }
                Choice slices = sliced(kernel, perSm, (int) Math.ceil((double) kernel.blocks() / (perSm * spec.sms())));
                if (originalNanos / slices.nanos() >= threshold && slices.turnaroundNanos() <= boundNanos) {
                    return slices;
                }
            }
            if (originalNanos <= boundNanos) {
                return original;
            }
        }
        return restricted(kernel);
    }

    /** One block exceeds the bound: confine space instead of time. */
    private Choice restricted(Kernel kernel) {
        Choice one = persistent(kernel, 1, Math.min(kernel.blocks(), spec.sms()));
        int workers = (int) Math.max(
                WORKERS_MIN, Math.floor(boundNanos / one.turnaroundNanos() * Math.min(spec.sms(), kernel.blocks())));
        Choice loop = persistent(kernel, 1, Math.min(workers, Math.min(kernel.blocks(), spec.sms())));
        double nanos = kernel.soloNanos(spec.sms(), spec.residency(kernel.shape()));
        int slicesMost = (int) Math.ceil((double) kernel.blocks() / spec.sms());
        int slices = (int) Math.min(
                Math.max(Math.ceil(1.3 * nanos / boundNanos), slicesMost),
                Math.ceil((double) kernel.blocks() / WORKERS_MIN));
        Choice cut = sliced(kernel, 1, Math.max(1, slices));
        return loop.nanos() <= cut.nanos() ? loop : cut;
    }

    /**
     * The persistent loop that ends within the bound and runs fastest; a kernel that ends within it by itself stays as it
     * is. Unlike {@link #choose} it never cuts a kernel into launches.
     */
    Choice loop(Kernel kernel) {
        Choice known = loops.get(kernel);
        if (known != null) {
            return known;
        }
        int residency = spec.residency(kernel.shape());
        double nanos = kernel.soloNanos(spec.sms(), residency);
        Choice best = null;
        for (int perSm = residency; perSm >= 1 && best == null; perSm--) {
            Choice loop = persistent(kernel, perSm, Math.min(kernel.blocks(), spec.sms() * perSm));
            best = loop.turnaroundNanos() <= boundNanos ? loop : null;
        }
        if (nanos <= boundNanos) {
            best = new Choice(Form.ORIGINAL, kernel.blocks(), residency, nanos, nanos);
        } else if (best == null) {
            best = persistent(kernel, 1, Math.min(kernel.blocks(), spec.sms()));
        }
        loops.put(kernel, best);
        return best;
    }

    /** Expected time of one block in this form with so many workers on the device. */
    double blockNanos(Kernel kernel, Choice choice, int workers) {
        double residency =
                Math.max(1, Math.min(choice.perSm(), (double) Math.min(workers, kernel.blocks()) / spec.sms()));
        double plain = kernel.blockNanos(residency);
        return choice.form() == Form.ORIGINAL
                ? plain
                : plain * calibration.persistentFactor() + calibration.persistentBlockNanos();
    }

    private Choice persistent(Kernel kernel, int perSm, int workers) {
        double residency = Math.max(1, (double) workers / spec.sms());
        double block =
                kernel.blockNanos(residency) * calibration.persistentFactor() + calibration.persistentBlockNanos();
        double waves = Math.ceil((double) kernel.blocks() / workers);
        return new Choice(Form.PERSISTENT, workers, perSm, waves * block, block / 2);
    }

    private Choice sliced(Kernel kernel, int perSm, int slices) {
        int blocks = (int) Math.ceil((double) kernel.blocks() / slices);
        double slice = kernel.withBlocks(blocks).soloNanos(spec.sms(), spec.residency(kernel.shape()));
        double nanos = slices * (slice + calibration.roundTripNanos());
        return new Choice(Form.SLICED, blocks, perSm, nanos, slice);
    }
}
