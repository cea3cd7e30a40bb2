package io.sluice.launcher.demo;

import io.sluice.launcher.JsonFile;
import io.sluice.launcher.Logs;
import io.sluice.launcher.stack.RunningStack;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.loadgen.LoadPlan;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Replays a load against a stack that already runs. */
@Command(
        name = "loadgen",
        description = {
            "Replays a trace or prompts against a running stack; reports as demo does.",
            "Exit status 0 only when every request completed."
        },
        mixinStandardHelpOptions = true)
public final class LoadgenCommand implements Callable<Integer>, Logs.InFolder {
    @Mixin
    private LoadOptions load;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "Folder of the stack; default: $SLUICE_HOME or .sluice.")
    private Path data;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the report to FILE as JSON.")
    private Path json;

    @Override
    public Path dataFolder() {
        return data == null ? StackFolder.defaultPath() : data.toAbsolutePath();
    }

    @Override
    public String logName() {
        return "sluice-loadgen.log";
    }

    @Override
    public Integer call() throws InterruptedException {
        PrintStream out = System.out;
        RunningStack stack = RunningStack.find(dataFolder());
        LoadPlan plan = load.plan(stack.model());
        LoadRun.Result result = LoadRun.play(stack, plan, load.maxInFlight(), load.timeout(), new LiveView(out));
        DemoReport report = new DemoReport(result.run(), stack, "of the stack", result.allocations());
        report.print(out);
        JsonFile.write(json, report.toJson());
        return report.allCompleted() ? 0 : 1;
    }
}
