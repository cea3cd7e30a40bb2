package io.sluice.launcher;

import io.sluice.embedded.EmbeddedBroker;
import io.sluice.launcher.stack.StackFolder;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs a Kafka broker on its own. */
@Command(
        name = "broker",
        description = "Runs a single-node Kafka broker on 127.0.0.1 until Ctrl-C.",
        mixinStandardHelpOptions = true)
final class BrokerCommand implements Callable<Integer>, Logs.InFolder {
    @Spec
    private CommandSpec spec;

    @Option(
            names = {"--broker-port", "--port"},
            paramLabel = "N",
            defaultValue = "0",
            description = "Port; 0: any free one (default).")
    private int port;

    @Option(names = "--data", paramLabel = "DIR", description = "Data folder; default: .sluice/broker-alone.")
    private Path data;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the address to FILE as JSON when ready.")
    private Path json;

    @Override
    public Path dataFolder() {
        return data == null ? StackFolder.defaultPath().resolve("broker-alone") : data.toAbsolutePath();
    }

    @Override
    public Integer call() throws InterruptedException {
        EmbeddedBroker broker =
                EmbeddedBroker.start(new EmbeddedBroker.Config(dataFolder().resolve("kafka"), port, Map.of()));
        spec.commandLine().getOut().println("broker ready: --bootstrap " + broker.bootstrap());
        spec.commandLine().getOut().flush();
        JsonFile.write(json, Map.of("bootstrap", broker.bootstrap()));
        return Foreground.runUntilStopped(broker);
    }
}
