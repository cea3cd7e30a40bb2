package io.sluice.launcher;

import io.sluice.embedded.RegistryHome;
import io.sluice.embedded.RegistryProcess;
import io.sluice.launcher.stack.StackFolder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs a schema registry on its own. */
@Command(
        name = "registry",
        description = "Runs a schema registry (Confluent API) on 127.0.0.1 until Ctrl-C.",
        mixinStandardHelpOptions = true)
final class RegistryCommand implements Callable<Integer>, Logs.InFolder {
    @Spec
    private CommandSpec spec;

    @Option(
            names = {"--registry-port", "--port"},
            paramLabel = "N",
            defaultValue = "0",
            description = "Port; 0: any free one (default).")
    private int port;

    @Option(names = "--data", paramLabel = "DIR", description = "Data folder; default: .sluice/registry-alone.")
    private Path data;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the address to FILE as JSON when ready.")
    private Path json;

    @Override
    public Path dataFolder() {
        return data == null ? StackFolder.defaultPath().resolve("registry-alone") : data.toAbsolutePath();
    }

    @Override
    public Integer call() throws InterruptedException {
        RegistryProcess registry = RegistryProcess.start(new RegistryProcess.Config(
                RegistryHome.find(),
                dataFolder().resolve("subjects"),
                dataFolder().resolve("logs").resolve("registry.log"),
                port,
                Duration.ofMinutes(2)));
        spec.commandLine().getOut().println("registry ready: --registry " + registry.url());
        spec.commandLine().getOut().flush();
        JsonFile.write(json, Map.of("registry", registry.url()));
        return Foreground.runUntilStopped(registry);
    }
}
