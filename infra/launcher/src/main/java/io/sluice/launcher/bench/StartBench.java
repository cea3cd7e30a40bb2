package io.sluice.launcher.bench;

import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.RunningStack;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Time until the embedded stack is ready, and the memory of each of its processes (PSS, so shared pages count once). */
final class StartBench implements Bench {
    private static final double MIB = 1 << 20;

    @Override
    public void run(Setting setting, BenchReport report) throws IOException {
        Map<String, List<Double>> seconds = new LinkedHashMap<>();
        Map<String, List<Double>> memory = new LinkedHashMap<>();
        for (int round = 0; round < setting.rounds(); round++) {
            setting.progress("start " + (round + 1) + " of " + setting.rounds());
            long began = System.nanoTime();
            try (EmbeddedStack stack = EmbeddedStack.start(
                    BenchStacks.psalm(setting.data()),
                    (part, state) -> collect(seconds, part, (System.nanoTime() - began) / 1e9))) {
                collect(memory, "launcher", pss(ProcessHandle.current().pid()));
                ProcessHandle.current()
                        .children()
                        .filter(child -> workerOf(stack.description(), child.pid()) == null)
                        .forEach(child -> collect(memory, "registry", pss(child.pid())));
                for (RunningStack.Worker worker : stack.description().workers()) {
                    collect(memory, "worker." + worker.id(), pss(worker.pid()));
                }
            }
        }
        seconds.forEach((part, values) ->
                report.add("start." + part, "s", Medians.median(values), null, part.equals("ready") ? "<= 30" : null));
        memory.forEach((part, values) -> report.add("pss." + part, "MiB", Medians.median(values)));
        report.note(
                "medians of " + setting.rounds() + " starts in one JVM; the first start of a fresh JVM is the time that"
                        + " ./sluice demo prints. launcher = broker + Flink + router + this command");
    }

    private static RunningStack.Worker workerOf(RunningStack stack, long pid) {
        return stack.workers().stream().filter(w -> w.pid() == pid).findFirst().orElse(null);
    }

    private static void collect(Map<String, List<Double>> values, String name, double value) {
        synchronized (values) {
            values.computeIfAbsent(name, key -> new ArrayList<>()).add(value);
        }
    }

    /** Proportional set size in MiB; NaN where the system does not tell. */
    private static double pss(long pid) {
        try {
            return Files.readAllLines(Path.of("/proc/" + pid + "/smaps_rollup")).stream()
                            .filter(line -> line.startsWith("Pss:"))
                            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                            .sum()
                    / MIB;
        } catch (IOException e) {
            return Double.NaN;
        }
    }
}
