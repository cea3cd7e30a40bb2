package io.sluice.sharing.gates;

import java.util.List;
import java.util.Map;

/**
 * Published figures that the gates compare with.
 *
 * <p>Tally: Zhao et al., ASPLOS'25, artifact evaluation data; BERT at half load, over six training jobs; overheads of the
 * p99 of service times in percent, throughput against each job alone. The means of the held-out half follow from the
 * means over six and the three calibration pairs. GPreempt: Fan et al., ATC'25, section 5.2, A100, and its artifact. Atoms: a public
 * reproduction of LithOS (Coppock et al., SOSP'25) on an A100. Contention: a public reproduction of section 4.1 of "one
 * level deeper" (SoCC'25) on an RTX 5090.
 */
final class Published {
    /** p99 overhead in percent: means over the calibration half, the held-out half, all six. */
    record Halves(double calibration, double heldOut, double all) {}

    static final double TIME_SLICING_P99_MS = 11.15;

    static final List<String> SYSTEMS = List.of("mps", "mps-priority", "tgs", "time-slicing", "tally");

    static final Map<String, Halves> OVERHEAD_PERCENT = Map.of(
            "mps", new Halves(503.8, 440.2, 472.0),
            "mps-priority", new Halves(290.3, 343.5, 316.9),
            "tgs", new Halves(248.3, 320.3, 284.3),
            "time-slicing", new Halves(172.7, 172.9, 172.8),
            "tally", new Halves(7.8, 6.8, 7.3),
            "tally-scheduling-only", new Halves(72.8, 39.0, 55.9),
            "tally-no-scheduling", new Halves(288.6, 1844.2, 1066.4));

    static final double TALLY_BEST_EFFORT = 0.435;
    static final double TALLY_OVER_TGS = 0.83;

    /**
     * Mean latency of VGG in workloads A, B and C, ms, as drawn in the plots of GPreempt's artifact, read to 0.02 ms; in the
     * paper only means over eight workloads are numbers: 58.4, 96.3, 15.3 and 2.4 % above alone, where these drawings have 63,
     * 101, 15.3 and 4.0 %. {@code mps}: no preemption, streams of one process.
     */
    static final Map<String, double[]> GPREEMPT_LATENCY_MS = Map.of(
            "none", new double[] {2.36, 2.38, 2.36},
            "mps", new double[] {2.38, 2.91, 3.98},
            "sequential", new double[] {2.42, 9.00, 5.00},
            "block-wait", new double[] {2.62, 2.76, 3.20},
            "gpreempt", new double[] {2.38, 2.38, 2.38});

    static final List<String> GPREEMPT_METHODS = List.of("mps", "sequential", "block-wait", "gpreempt");

    /**
     * Best-effort kernel, ms; p99 as it is and in atoms, us; part of the throughput that atoms keep; its blocks; multiply-adds
     * of each of its threads.
     */
    static final double[][] ATOMS = {
        {0.04, 28.6, 32.0, 0.96, 512, 4_000},
        {0.24, 130, 90, 0.65, 2048, 8_000},
        {2.2, 1869, 257, 0.62, 8192, 20_000},
        {10.8, 10473, 360, 0.67, 20_000, 40_000}
    };

    /** Threads of each of those blocks, and of the blocks of the short kernel, of which there are so many. */
    static final int ATOM_THREADS = 128;

    static final int ATOM_CRITICAL_BLOCKS = 16;

    /** Copy size in MB and the slowdown of two copies at once, cache of 96 MB. */
    static final double[][] CACHE = {{8, 1.80}, {24, 1.55}, {32, 4.66}, {40, 5.62}, {48, 4.79}, {64, 3.21}, {128, 2.04}
    };

    /** Bandwidth of a copy on half of the SMs beside another one, GB/s. */
    static final double COPY_BESIDE = 566;

    private Published() {}
}
