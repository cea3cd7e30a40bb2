package io.sluice.launcher;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * Tells a waiting person how far something is: one line that is written over on a terminal, now and then a line elsewhere.
 * Called from several threads.
 */
public final class StatusLine {
    private static final double TERMINAL_SECONDS = 0.2;
    private static final int WIDTH = 100;

    private final PrintWriter out;
    private final boolean terminal;
    private final double intervalSeconds;
    private double nextSeconds;
    private boolean open;

    /**
     * A line that goes where standard error goes.
     *
     * @param out writes to standard error
     * @param elsewhereSeconds between two lines where that is no terminal
     */
    public StatusLine(PrintWriter out, double elsewhereSeconds) {
        this.out = out;
        terminal = onTerminal();
        intervalSeconds = terminal ? TERMINAL_SECONDS : elsewhereSeconds;
        nextSeconds = terminal ? 0 : elsewhereSeconds;
    }

    /** Shows a line if it is time for one. */
    public synchronized void show(double elapsedSeconds, Supplier<String> text) {
        if (elapsedSeconds < nextSeconds) {
            return;
        }
        nextSeconds = elapsedSeconds + intervalSeconds;
        String line = text.get();
        if (terminal) {
            out.print("\r" + line + " ".repeat(Math.max(0, WIDTH - line.length())));
            open = true;
        } else {
            out.println(line);
        }
        out.flush();
    }

    /** Leaves room for what follows. */
    public synchronized void end() {
        if (open) {
            out.print("\r" + " ".repeat(WIDTH) + "\r");
            out.flush();
            open = false;
        }
    }

    /** Whether standard error is a terminal, as far as this system says. */
    private static boolean onTerminal() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }
}
