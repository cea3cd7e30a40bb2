package io.sluice.launcher.bench.recovery;

import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * What it costs to keep the inputs of every stage where nothing is lost. Two generations of the same tokens run side by
 * side, step by step in turn, one with the log and one without; who goes first changes from step to step. So both
 * times of a pair are of the same position at the same moment of the machine.
 */
public final class LogCost {
    /** Neighbouring steps that the bootstrap draws together. */
    private static final int BLOCK = 32;

    private static final FailureDraws NOTHING = new FailureDraws(0, 0);

    private LogCost() {}

    /**
     * @param length tokens of a generation
     * @param generations measured, each beside its twin; one more goes before, unmeasured
     * @param progress takes the number of each generation that begins
     * @return time of a step that keeps the log by the time of one that does not
     */
    public static PairedRatio measure(
            StageRow stages, int[] prompt, int length, int generations, IntConsumer progress) {
        int steps = length - 1;
        double[] with = new double[generations * steps];
        double[] without = new double[generations * steps];
        twins(stages, prompt, length, 0, new double[steps], new double[steps], 0);
        for (int i = 0; i < generations; i++) {
            progress.accept(i + 1);
            twins(stages, prompt, length, i, with, without, i * steps);
        }
        return PairedRatio.of(with, without, Math.min(BLOCK, Math.max(1, with.length / 2)), 1);
    }

    private static void twins(
            StageRow stages, int[] prompt, int length, int turn, double[] with, double[] without, int from) {
        Way first = turn % 2 == 0 ? Way.SLUICE : Way.RESTART;
        Way second = turn % 2 == 0 ? Way.RESTART : Way.SLUICE;
        try (Generation one = new Generation(stages, prompt, length, first, NOTHING);
                Generation other = new Generation(stages, prompt, length, second, NOTHING)) {
            Generation logs = first == Way.SLUICE ? one : other;
            Generation bare = first == Way.SLUICE ? other : one;
            for (Generation each : Arrays.asList(one, other)) {
                each.begin();
                each.advance();
            }
            for (int step = 0; step < length - 1; step++) {
                // with, without, without, with
                if (step % 4 == 0 || step % 4 == 3) {
                    with[from + step] = seconds(logs);
                    without[from + step] = seconds(bare);
                } else {
                    without[from + step] = seconds(bare);
                    with[from + step] = seconds(logs);
                }
            }
        }
    }

    private static double seconds(Generation generation) {
        long begin = System.nanoTime();
        generation.advance();
        return (System.nanoTime() - begin) / 1e9;
    }
}
