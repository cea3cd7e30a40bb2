package io.sluice.launcher.bench;

import java.io.PrintStream;
import java.nio.file.Path;

/** One benchmark. */
interface Bench {
    /**
     * Measures and adds rows.
     *
     * @throws Exception when something could not be measured
     */
    void run(Setting setting, BenchReport report) throws Exception;

    /**
     * Where and how often.
     *
     * @param data folder for the stacks that are started
     * @param rounds repetitions; baseline and Sluice take turns
     * @param out takes progress
     */
    record Setting(Path data, int rounds, PrintStream out) {
        void progress(String text) {
            out.println("... " + text);
            out.flush();
        }
    }
}
