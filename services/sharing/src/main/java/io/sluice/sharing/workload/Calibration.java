package io.sluice.sharing.workload;

/**
 * Every number of the model that is not a device size: one set for all pairs and policies. Those called fitted were
 * chosen on the calibration half of the pairs (BERT beside Whisper, ResNet50 and PointNet) and nowhere else.
 *
 * @param latencyShare part of a block's full-occupancy time that does not shrink with fewer neighbours; a
 *     choice of 0.08: few resident blocks nearly keep an SM busy; fitted
 * @param convolutionScale V100 to A100 block time of a convolution that arithmetic limits, on tensor cores by default;
 *     fitted
 * @param matrixScale the same of a matrix product in fp32, without tensor cores by default: ratio of the peaks, 15.7/19.5
 * @param memoryScale the same of every other kernel: ratio of the bandwidths, 900/1555
 * @param issueCompute issue slots a compute-bound kernel takes at full occupancy; fitted
 * @param issueMemory the same of a memory-bound kernel; fitted
 * @param issueUnknown the same of a kernel whose class the profile does not tell; fitted
 * @param memoryCompute part of the memory bandwidth that a compute-bound kernel asks for at full speed; assumed
 * @param memoryMemory the same of a memory-bound kernel: a copy kernel on half the SMs reaches 0.78 of the peak
 * @param memoryUnknown the same of an unknown kernel; assumed
 * @param criticalGridScale grid of the critical BERT against the profile: batch 1 for batch 2
 * @param requestJitter standard deviation of a request's service time; p99 over mean of BERT alone is 1.6 % (Tally,
 *     ASPLOS'25, artifact evaluation data)
 * @param launchNanos host time of one launch
 * @param roundTripNanos a scheduler that keeps one best-effort kernel in flight: event query, IPC, launch; fitted
 * @param forwardNanos a launch forwarded through a scheduler process: 0.99 of BERT's throughput remains (same data)
 * @param flagNanos retreat flag by an asynchronous memset, seen by the blocks
 * @param persistentFactor time of a block in a persistent loop against the plain block; fitted
 * @param persistentBlockNanos counter, flag and barrier before each block
 * @param sliceNanos time slice of the driver, context switch included: with its switch half of what BERT waits
 * @param switchNanos dead time of a context switch, of 200 us on average (GPreempt, ATC'25, section 5.3)
 * @param extraProcessNanos scheduling delay per kernel for each process from the third on (iGniter's published config)
 * @param prepareNanos from a request's begin until its first kernel is launched: even a small copy to the device takes
 *     about 80 us (ARK, NSDI'23, as GPreempt's section 3.2 cites it); a policy that is told of the request may use it
 * @param takeoverNanos mean of the exponential time that the first kernel of a request lasts longer where best-effort work
 *     ran since the last one: "below 40 us, mainly caused by cache interference" on an A100 (GPreempt, section 5.3); no
 *     policy avoids it
 * @param pollNanos mean of the exponential delay of the same request's first kernel behind a scheduler in a process of its
 *     own that forwards both jobs' calls: Tally's only; fitted to the mean and p99 of BERT under Tally
 */
public record Calibration(
        double latencyShare,
        double convolutionScale,
        double matrixScale,
        double memoryScale,
        double issueCompute,
        double issueMemory,
        double issueUnknown,
        double memoryCompute,
        double memoryMemory,
        double memoryUnknown,
        double criticalGridScale,
        double requestJitter,
        long launchNanos,
        long roundTripNanos,
        long forwardNanos,
        long flagNanos,
        double persistentFactor,
        long persistentBlockNanos,
        long sliceNanos,
        long switchNanos,
        long extraProcessNanos,
        long prepareNanos,
        double takeoverNanos,
        double pollNanos) {

    /** The set that every published figure of this module was made with. */
    public static final Calibration DEFAULT = new Calibration(
            0.08, 0.40, 0.80, 0.58, 0.80, 0.60, 0.60, 0.30, 0.78, 0.20, 0.5, 0.007, 3_000, 8_000, 150, 8_000, 1.05, 100,
            3_350_000, 200_000, 5_100, 80_000, 40_000, 60_000);

    public Calibration {
        if (!(latencyShare > 0 && latencyShare < 1)
                || !(convolutionScale > 0)
                || !(matrixScale > 0)
                || !(memoryScale > 0)
                || !(criticalGridScale > 0)) {
            throw new IllegalArgumentException(
                    "latency share " + latencyShare + " must be inside (0, 1), scales positive");
        }
        if (!(requestJitter >= 0 && requestJitter < 0.2) || !(persistentFactor >= 1)) {
            throw new IllegalArgumentException(
                    "jitter " + requestJitter + " or persistent factor " + persistentFactor + " is out of range");
        }
        if (launchNanos < 0 || roundTripNanos < 0 || forwardNanos < 0 || flagNanos < 0 || persistentBlockNanos < 0) {
            throw new IllegalArgumentException("costs must not be negative");
        }
        if (sliceNanos <= switchNanos || switchNanos < 0 || extraProcessNanos < 0) {
            throw new IllegalArgumentException(
                    "a slice of " + sliceNanos + " ns must exceed its switch of " + switchNanos);
        }
        if (prepareNanos < 0 || !(takeoverNanos >= 0) || !(pollNanos >= 0)) {
            throw new IllegalArgumentException("times outside kernels must not be negative: " + prepareNanos + ", "
                    + takeoverNanos + " and " + pollNanos + " ns");
        }
    }

    /** The same with another spread of service times; 0: every request alone lasts as long. */
    public Calibration withRequestJitter(double other) {
        return withRequest(other, prepareNanos, takeoverNanos, pollNanos);
    }

    /** The same with other times of a request outside its kernels: for sensitivity runs. */
    public Calibration withRequestNanos(long prepare, double takeover, double poll) {
        return withRequest(requestJitter, prepare, takeover, poll);
    }

    private Calibration withRequest(double jitter, long prepare, double takeover, double poll) {
        return new Calibration(
                latencyShare,
                convolutionScale,
                matrixScale,
                memoryScale,
                issueCompute,
                issueMemory,
                issueUnknown,
                memoryCompute,
                memoryMemory,
                memoryUnknown,
                criticalGridScale,
                jitter,
                launchNanos,
                roundTripNanos,
                forwardNanos,
                flagNanos,
                persistentFactor,
                persistentBlockNanos,
                sliceNanos,
                switchNanos,
                extraProcessNanos,
                prepare,
                takeover,
                poll);
    }
}
