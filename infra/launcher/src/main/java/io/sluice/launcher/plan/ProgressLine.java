package io.sluice.launcher.plan;

import io.sluice.core.placement.SearchProgress;
import io.sluice.launcher.StatusLine;
import java.io.PrintWriter;
import java.util.Locale;

/** Tells a waiting person where a search stands. Called from several threads. */
final class ProgressLine {
    private static final double ELSEWHERE_SECONDS = 5;

    private final StatusLine line;
    private final String unit;

    /**
     * @param err standard error
     * @param unit of the value, for people
     */
    ProgressLine(PrintWriter err, String unit) {
        this.line = new StatusLine(err, ELSEWHERE_SECONDS);
        this.unit = unit;
    }

    void show(SearchProgress progress) {
        line.show(progress.elapsedSeconds(), () -> text(progress));
    }

    void end() {
        line.end();
    }

    private String text(SearchProgress progress) {
        String best = progress.value() > 0
                ? String.format(Locale.ROOT, "best %,.1f %s", progress.value(), unit)
                : "nothing found yet";
        String bound = Double.isInfinite(progress.bound())
                ? ""
                : String.format(Locale.ROOT, ", bound %,.1f", progress.bound());
        String gap = Double.isInfinite(progress.gap())
                ? ""
                : String.format(Locale.ROOT, ", gap %.1f %%", 100 * progress.gap());
        return String.format(Locale.ROOT, "[%5.1f s] %s%s%s", progress.elapsedSeconds(), best, bound, gap)
                + (progress.method().isEmpty() ? "" : " (" + progress.method() + ")");
    }
}
