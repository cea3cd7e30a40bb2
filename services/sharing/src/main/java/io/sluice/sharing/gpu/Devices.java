package io.sluice.sharing.gpu;

/**
 * The devices that published measurements were made on. Sizes are the vendors'; costs and power terms name their source.
 *
 * <p>Power: idle and cap of the V100 and the fall of 0.77 MHz per watt above the cap are fitted to iGniter's published
 * table (Xu et al., TPDS 2022). The split of the dynamic power into active SMs (20 %), busy SMs (55 %) and memory traffic
 * (25 %) is an assumption; it scales with the range between idle and cap of each device.
 */
public final class Devices {
    private static final double MEGAHERTZ_PER_WATT = 0.77;
    /** Chosen so that ECLIP's systems come in their published order (ISLPED 2025); its own law is as steep. */
    private static final double MI50_CONTENTION = 5.0;

    private static final double CONTENTION = 1.0; // fitted on the calibration half, see Calibration

    /** A100-40GB: the device of Tally's, GPreempt's and the LithOS reproduction's measurements. */
    public static final GpuSpec A100 = new GpuSpec(
            "A100-40GB",
            new int[] {108},
            2048,
            65_536,
            167_936,
            32,
            1555,
            0.94,
            4500,
            40L << 20,
            power(55, 400, 1410, 108, 1555),
            128,
            1_000,
            2_000,
            200_000,
            CONTENTION);

    /** V100-32GB: the device of Orion's kernel profiles and of iGniter's power table. */
    public static final GpuSpec V100 = new GpuSpec(
            "V100-32GB",
            new int[] {80},
            2048,
            65_536,
            98_304,
            32,
            900,
            0.94,
            2500,
            6L << 20,
            power(53.5, 300, 1530, 80, 900),
            128,
            1_000,
            2_000,
            200_000,
            CONTENTION);

    /** MI50: ECLIP's device, four shader engines of 15 compute units, seven masked queues and the default one. */
    public static final GpuSpec MI50 = new GpuSpec(
            "MI50",
            new int[] {15, 15, 15, 15},
            2560,
            262_144,
            65_536,
            40,
            1024,
            0.94,
            2000,
            4L << 20,
            power(50, 300, 1725, 60, 1024),
            8,
            2_000,
            2_000,
            200_000,
            MI50_CONTENTION);

    /** RTX 5090; memory bandwidth is the largest that the published copy kernels reached. */
    public static final GpuSpec RTX5090 = new GpuSpec(
            "RTX-5090",
            new int[] {170},
            1536,
            65_536,
            102_400,
            24,
            1204,
            0.94,
            3800,
            96L << 20,
            power(60, 575, 2400, 170, 1204),
            128,
            1_000,
            2_000,
            200_000,
            CONTENTION);

    private Devices() {}

    private static PowerModel power(double idle, double cap, double megahertz, int sms, double bytesPerNano) {
        double range = cap - idle;
        return new PowerModel(
                idle,
                0.20 * range / sms,
                0.55 * range / sms,
                0.25 * range / (bytesPerNano * 1e9),
                cap,
                megahertz,
                MEGAHERTZ_PER_WATT);
    }
}
