package io.sluice.launcher.stack;

import java.io.PrintStream;
import java.util.Locale;

/** Tells a waiting person what happens; called from several threads. */
@FunctionalInterface
public interface Progress {
    /** Says nothing. */
    Progress SILENT = (part, state) -> {};

    /**
     * One step was reached.
     *
     * @param part what it is about, one or two words
     * @param state what is reached, with the address where there is one
     */
    void step(String part, String state);

    /** Lines such as {@code [ 3.2 s] broker      127.0.0.1:40233}, timed from this call on. */
    static Progress on(PrintStream out) {
        long began = System.nanoTime();
        return (part, state) -> {
            String line = String.format(
                    Locale.ROOT, "[%5.1f s] %-10s" + " %s", (System.nanoTime() - began) / 1e9, part, state);
            synchronized (out) {
                out.println(line);
                out.flush();
            }
        };
    }
}
