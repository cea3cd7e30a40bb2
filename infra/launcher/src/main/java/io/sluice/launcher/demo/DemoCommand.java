package io.sluice.launcher.demo;

import io.sluice.launcher.JsonFile;
import io.sluice.launcher.Logs;
import io.sluice.launcher.StackOptions;
import io.sluice.launcher.StackTable;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.launcher.stack.StackConfig;
import io.sluice.loadgen.LoadPlan;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Starts a whole stack, sends it a load, shows what came back and stops it again. */
@Command(
        name = "demo",
        description = {
            "Starts a stack, replays requests through it, shows text and shares, and stops it.",
            "Exit status 0 only when every request completed."
        },
        footerHeading = "%nJSON (--json FILE):%n",
        footer = {
            "  completed, failed, duration, request_throughput, output_throughput, total_token_throughput;",
            "  request_goodput: requests/s that met their objectives (--slo-ttft-ms, --slo-tpot-ms), null without any;",
            "  mean_, median_, std_, p90_, p99_ of ttft_ms, tpot_ms, itl_ms, e2el_ms (vLLM's key names);",
            "  workers[]: worker, device, layers, planned_share, measured_share;",
            "  texts[]: request_id, prompt, prompt_token_ids, token_ids, text, finish_reason, pipeline, error, and slo_met,",
            "    by the router's times; null: no objectives"
        },
        mixinStandardHelpOptions = true)
public final class DemoCommand implements Callable<Integer>, Logs.InFolder {
    @Mixin
    private StackOptions options;

    @Mixin
    private LoadOptions load;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the report to FILE as JSON.")
    private Path json;

    @Override
    public Path dataFolder() {
        return options.dataFolder();
    }

    @Override
    public Integer call() throws InterruptedException {
        PrintStream out = System.out;
        StackConfig config = options.config();
        LoadPlan plan = load.plan(config.modelName());
        Progress progress = Progress.on(out);
        DemoReport report;
        try (EmbeddedStack stack = EmbeddedStack.start(config, progress)) {
            // Ctrl-C ends the JVM without leaving this block; closing twice does no harm.
            Runtime.getRuntime().addShutdownHook(new Thread(stack::close, "stop"));
            StackTable.print(stack.description(), out);
            out.printf(
                    "%d requests, one line as each ends: pipeline taken, time, end of prompt │ text%n",
                    plan.requests().size());
            LoadRun.Result result =
                    LoadRun.play(stack.description(), plan, load.maxInFlight(), load.timeout(), new LiveView(out));
            report = new DemoReport(
                    result.run(), stack.description(), config.policy().toString(), result.allocations());
            report.print(out);
            JsonFile.write(json, report.toJson());
            progress.step("stack", "stopping");
        }
        return report.allCompleted() ? 0 : 1;
    }
}
