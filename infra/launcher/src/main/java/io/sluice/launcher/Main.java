package io.sluice.launcher;

import io.sluice.launcher.batch.BatchCommand;
import io.sluice.launcher.bench.BenchCommand;
import io.sluice.launcher.chaos.ChaosCommand;
import io.sluice.launcher.cluster.ClusterCommand;
import io.sluice.launcher.demo.DemoCommand;
import io.sluice.launcher.demo.LoadgenCommand;
import io.sluice.launcher.plan.PlanCommand;
import io.sluice.launcher.sharing.SharingCommand;
import io.sluice.launcher.simtest.SimtestCommand;
import io.sluice.launcher.simulate.SimulateCommand;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code sluice} command. Exit status: 0 success, 1 failure, 2 wrong usage. */
@Command(
        name = "sluice",
        mixinStandardHelpOptions = true,
        versionProvider = VersionCommand.Provider.class,
        description = "Serves large language models through Kafka, Flink and a pipeline of workers.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            DemoCommand.class,
            UpCommand.class,
            AskCommand.class,
            BatchCommand.class,
            LoadgenCommand.class,
            PlanCommand.class,
            SimulateCommand.class,
            SharingCommand.class,
            SimtestCommand.class,
            BenchCommand.class,
            ChaosCommand.class,
            ClusterCommand.class,
            TopicsCommand.class,
            WorkerCommand.class,
            DrainCommand.class,
            RouterCommand.class,
            BatcherCommand.class,
            PlaceCommand.class,
            PlannerCommand.class,
            BrokerCommand.class,
            RegistryCommand.class,
            VersionCommand.class
        })
public final class Main implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    /** Runs one command and exits with its status. */
    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    /** The command with all its subcommands, error handling included. */
    public static CommandLine commandLine() {
        CommandLine line = new CommandLine(new Main());
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setUsageHelpAutoWidth(true);
        line.setExecutionStrategy(parsed -> {
            Logs.configure(parsed);
            return new CommandLine.RunLast().execute(parsed);
        });
        line.setExecutionExceptionHandler(new Failures());
        return line;
    }

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "Missing a command");
    }
}
