package io.sluice.launcher;

import com.fasterxml.jackson.databind.node.POJONode;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.launcher.stack.StackConfig;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Starts everything and keeps it running. */
@Command(
        name = "up",
        description = "Starts broker, registry, Flink job, router and workers; runs until Ctrl-C.",
        mixinStandardHelpOptions = true)
final class UpCommand implements Callable<Integer>, Logs.InFolder {
    @Mixin
    private StackOptions options;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the addresses to FILE as JSON when ready.")
    private Path json;

    @Override
    public Path dataFolder() {
        return options.dataFolder();
    }

    @Override
    public Integer call() throws InterruptedException {
        PrintStream out = System.out;
        StackConfig config = options.config();
        Progress progress = Progress.on(out);
        EmbeddedStack stack = EmbeddedStack.start(config, progress);
        JsonFile.write(json, new POJONode(stack.description()));
        StackTable.print(stack.description(), out);
        out.println("Ask it something: ./sluice ask \"Once upon a time\"   Stop it: Ctrl-C");
        return Foreground.runUntilStopped(() -> {
            progress.step("stack", "stopping");
            stack.close();
            progress.step("stack", "stopped");
        });
    }
}
