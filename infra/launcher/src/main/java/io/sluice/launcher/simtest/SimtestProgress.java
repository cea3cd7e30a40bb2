package io.sluice.launcher.simtest;

import io.sluice.simtest.SimTest;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * A bar that is written over on a terminal, a line every ten seconds elsewhere. Called from several threads.
 */
final class SimtestProgress {
    private static final double TERMINAL_SECONDS = 0.2;
    private static final double ELSEWHERE_SECONDS = 10;
    private static final int BAR = 30;
    private static final int WIDTH = 100;

    private final PrintStream out;
    private final boolean terminal;
    private double nextSeconds;
    private boolean open;

    SimtestProgress(PrintStream out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
        this.nextSeconds = terminal ? 0 : ELSEWHERE_SECONDS;
    }

    static SimtestProgress onStandardError() {
        boolean terminal;
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            terminal = target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
        } catch (java.io.IOException | UnsupportedOperationException e) {
            terminal = false;
        }
        return new SimtestProgress(System.err, terminal);
    }

    synchronized void show(SimTest.Progress progress) {
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

    /** Leaves room for what follows. */
    synchronized void end() {
        if (open) {
            out.print("\r" + " ".repeat(WIDTH) + "\r");
            out.flush();
            open = false;
        }
    }
}
