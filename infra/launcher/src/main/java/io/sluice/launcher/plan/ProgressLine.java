package io.sluice.launcher.plan;

import io.sluice.core.placement.SearchProgress;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Tells a waiting person where a search stands: one line that is written over on a terminal, a line every five seconds
 * elsewhere. Called from several threads.
 */
final class ProgressLine {
    private static final double TERMINAL_SECONDS = 0.2;
    private static final double ELSEWHERE_SECONDS = 5;
    private static final int WIDTH = 100;

    private final PrintWriter out;
    private final boolean terminal;
    private final String unit;
    private double nextSeconds;
    private boolean open;

    /** @param unit of the value, for people */
    ProgressLine(PrintWriter out, boolean terminal, String unit) {
        this.out = out;
        this.terminal = terminal;
        this.unit = unit;
        this.nextSeconds = terminal ? 0 : ELSEWHERE_SECONDS;
    }

    /** Whether standard error is a terminal, as far as this system says. */
    static boolean onTerminal() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
        } catch (java.io.IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    synchronized void show(SearchProgress progress) {
        if (progress.elapsedSeconds() < nextSeconds) {
            return;
        }
        nextSeconds = progress.elapsedSeconds() + (terminal ? TERMINAL_SECONDS : ELSEWHERE_SECONDS);
        String line = line(progress);
        if (terminal) {
            out.print("\r" + line + " ".repeat(Math.max(0, WIDTH - line.length())));
            open = true;
        } else {
            out.println(line);
        }
        out.flush();
    }

    /** Leaves room for what follows. */
    synchronized void end() {
        if (open) {
            out.print("\r" + " ".repeat(WIDTH) + "\r");
            out.flush();
            open = false;
        }
    }

    private String line(SearchProgress progress) {
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
