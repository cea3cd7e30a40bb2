package io.sluice.launcher.bench;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;

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
     * @param quick whether a few minutes must do; benchmarks without a quick version ignore it
     * @param parts parts of the benchmark that are wanted; empty: all
     * @param svg takes a picture, where the benchmark draws one; null: none
     * @param out takes progress
     */
    record Setting(Path data, int rounds, boolean quick, List<String> parts, Path svg, PrintStream out) {
        public Setting {
            parts = List.copyOf(parts);
        }

        boolean wants(String part) {
            return parts.isEmpty() || parts.contains(part);
        }

        void progress(String text) {
            out.println("... " + text);
            out.flush();
        }
    }
}
