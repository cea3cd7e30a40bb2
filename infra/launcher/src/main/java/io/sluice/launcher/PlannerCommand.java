package io.sluice.launcher;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
@Command(name = "planner", description = "Runs the flow allocation job until Ctrl-C.", mixinStandardHelpOptions = true)
final class PlannerCommand implements Callable<Integer> {
    @Mixin private Endpoints endpoints;
    @Override public Integer call() { throw new UserException("not yet"); }
}
