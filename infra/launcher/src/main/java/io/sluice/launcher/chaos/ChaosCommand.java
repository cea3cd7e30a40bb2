package io.sluice.launcher.chaos;

import io.sluice.launcher.JsonFile;
import io.sluice.launcher.Logs;
import io.sluice.launcher.UserException;
import io.sluice.launcher.stack.Progress;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.worker.device.DeviceSpec;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Hurts a stack of its own under load and says whether every promise was kept. */
@Command(
        name = "chaos",
        description = {
            "Starts a stack, sends it requests and offline jobs while faults happen to it, heals it and gives a verdict.",
            "Three layer ranges, two workers each. The same seed gives the same schedule of faults. Exit status 0 only when"
                    + " nothing was lost, duplicated, stuck or wrong, and memory, threads, topics and files are back at"
                    + " their level."
        },
        footerHeading = "%nJSON (--json FILE):%n",
        footer = {
            "  accepted, completed, refused, lost, duplicated, stuck, faults (how many happened);",
            "  failed, wrong, stale, longest_pause_s, recoveries{mode: count}, seed, minutes, requests, unsent",
            "  (requests that the broker did not take in time);",
            "  fault_kinds[]: kind, count, longest_pause_s; fault_log[]: at_s, kind, target, duration_s, note;",
            "  jobs{jobs, cancelled, items, done, failed, lost, duplicated, stuck, wrong, notes[]};",
            "  resources[]: what, unit, before, after, back; notes[]: one line for each request not completed in order"
        },
        mixinStandardHelpOptions = true)
public final class ChaosCommand implements Callable<Integer>, Logs.InFolder {
    private static final int MOST_JOB_ITEMS = 1_000;

    @Option(
            names = "--minutes",
            paramLabel = "N",
            defaultValue = "5",
            description = "How long faults happen; default: ${DEFAULT-VALUE}.")
    private double minutes;

    @Option(
            names = "--faults-per-minute",
            paramLabel = "N",
            defaultValue = "5",
            description = "Default: ${DEFAULT-VALUE}.")
    private double faultsPerMinute;

    @Option(
            names = "--faults",
            paramLabel = "KIND,...",
            defaultValue = "kill,stop,partition,broker,registry,router,flink,disk,batcher",
            description =
                    "Kinds of faults, which take turns; default: ${DEFAULT-VALUE}. kill: kill -9 of a worker; stop:"
                            + " SIGSTOP, and SIGCONT seconds later; partition: a worker cut off from the broker; broker,"
                            + " registry, router, batcher (the batch service): killed or stopped, and started again; flink: its TaskManager is lost; disk:"
                            + " files of the broker or a worker cannot grow for a while.")
    private String faults;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "Of schedule and requests; default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(
            names = "--rate",
            paramLabel = "N",
            defaultValue = "2",
            description = "Requests a second; default: ${DEFAULT-VALUE}.")
    private double rate;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            defaultValue = "48",
            description = "Tokens of the longest answers; the shortest have half; default: ${DEFAULT-VALUE}.")
    private int maxTokens;

    @Option(
            names = "--job-items",
            paramLabel = "N",
            defaultValue = "12",
            description =
                    "Items of the offline job that is sent every minute, of which each third is cancelled while it"
                            + " runs; 0: none; default: ${DEFAULT-VALUE}.")
    private int jobItems;

    @Option(
            names = "--device",
            paramLabel = "DEVICE",
            defaultValue = "emulated:a100",
            description = "Of every worker: cpu or emulated:PROFILE[@SPEED]; default: ${DEFAULT-VALUE}.")
    private String device;

    @Option(
            names = "--keep-serving",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "Never take the last worker of a layer range away (default). --no-keep-serving: faults hit"
                    + " anybody, and requests wait until a worker is back.")
    private boolean keepServing;

    @Option(
            names = "--quiet",
            paramLabel = "SECONDS",
            defaultValue = "180",
            description = "How long to wait for open requests once all is healed; default: ${DEFAULT-VALUE}.")
    private long quietSeconds;

    @Option(names = "--data", paramLabel = "DIR", description = "Folder of everything; default: chaos in .sluice.")
    private Path data;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the verdict to FILE as JSON.")
    private Path json;

    @Override
    public Path dataFolder() {
        return data == null ? StackFolder.defaultPath().resolve("chaos") : data.toAbsolutePath();
    }

    @Override
    public Integer call() throws InterruptedException {
        PrintStream out = System.out;
        ChaosRun.Setting setting = setting();
        ChaosReport report = new ChaosRun(setting, Progress.on(out), out).run();
        report.print(out);
        JsonFile.write(json, report.toJson());
        return report.holds() ? 0 : 1;
    }

    private ChaosRun.Setting setting() {
        try {
            Set<FaultKind> kinds = FaultKind.parse(faults);
            if (!(rate > 0) || maxTokens < 2 || quietSeconds < 1 || jobItems < 0 || jobItems > MOST_JOB_ITEMS) {
                throw new UserException("--rate " + rate + " must be positive, --max-tokens " + maxTokens
                        + " at least 2, --quiet " + quietSeconds + " at least 1, --job-items " + jobItems + " 0 to "
                        + MOST_JOB_ITEMS);
            }
            return new ChaosRun.Setting(
                    new FaultSchedule.Rule(minutes, faultsPerMinute, kinds, ChaosStack.workers(), keepServing),
                    seed,
                    rate,
                    maxTokens,
                    jobItems,
                    quietSeconds,
                    DeviceSpec.parse(device),
                    dataFolder());
        } catch (IllegalArgumentException e) {
            throw new UserException(e.getMessage(), e);
        }
    }
}
