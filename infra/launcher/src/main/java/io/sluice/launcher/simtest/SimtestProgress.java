package io.sluice.launcher.simtest;

import io.sluice.launcher.StatusLine;
import io.sluice.simtest.SimTest;
import java.io.PrintWriter;
import java.util.Locale;

/** A bar of the seeds that have ended. Called from several threads. */
final class SimtestProgress {
    private static final double ELSEWHERE_SECONDS = 10;
    private static final int BAR = 30;

    private final StatusLine bar;

    /** @param err standard error */
    SimtestProgress(PrintWriter err) {
        bar = new StatusLine(err, ELSEWHERE_SECONDS);
    }

    void show(SimTest.Progress progress) {
        bar.show(progress.elapsedSeconds(), () -> line(progress));
    }

    void end() {
        bar.end();
    }

    static String line(SimTest.Progress progress) {
        int filled = (int) ((long) BAR * progress.done() / progress.seeds());
        double left = progress.elapsedSeconds() / progress.done() * (progress.seeds() - progress.done());
        return String.format(
                Locale.ROOT,
                "[%s%s] %d/%d seeds, %d violations, %.0f s left",
                "#".repeat(filled),
                ".".repeat(BAR - filled),
                progress.done(),
                progress.seeds(),
                progress.violations(),
                left);
    }
}
