package io.sluice.launcher;

import io.sluice.launcher.stack.RunningStack;
import java.io.PrintStream;
import java.util.Locale;

/** Prints the addresses of a running stack. */
public final class StackTable {
    private StackTable() {}

    /** One line per address, one per worker. */
    public static void print(RunningStack stack, PrintStream out) {
        out.println();
        row(out, "broker", stack.bootstrap());
        row(out, "registry", stack.registry());
        row(out, "Flink", stack.flink());
        row(out, "metrics", stack.metrics() + "  Flink: " + stack.flinkMetrics());
        row(out, "data", stack.data());
        row(out, "logs", stack.logs());
        row(out, "model", stack.model() + " (" + stack.modelPath() + ")");
        for (RunningStack.Worker worker : stack.workers()) {
            row(
                    out,
                    "worker",
                    String.format(
                            Locale.ROOT,
                            "%-12s %-18s layers %-6s pid %-8d %s",
                            worker.id(),
                            worker.device(),
                            worker.layers(),
                            worker.pid(),
                            worker.metrics()));
        }
        out.println();
    }

    private static void row(PrintStream out, String name, String value) {
        out.printf(Locale.ROOT, "  %-9s %s%n", name, value);
    }
}
