package io.sluice.simulator;

import io.sluice.simulator.SimulationResult.GroupRates;
import io.sluice.simulator.SimulationResult.LinkUse;
import io.sluice.simulator.SimulationResult.NodeUse;
import java.util.ArrayList;
import java.util.List;

/** What one group's run left; several are summed to a {@link SimulationResult}. */
record GroupRun(
        Scenario.Group group,
        Window window,
        double simulatedSeconds,
        long arrived,
        long finished,
        long rejected,
        long kvOverflows,
        long events,
        List<NodeUse> nodes,
        List<LinkUse> links) {

    private GroupRates rates() {
        return new GroupRates(
                group.name(),
                window.decode.size() / window.seconds(),
                window.promptTokens / window.seconds(),
                window.prompt.mean(),
                window.decode.mean(),
                window.inFlight.mean(),
                group.topology().maxFlow());
    }

    /** Rates are summed, latencies pooled; of the KV expectation the largest counts. */
    static SimulationResult sum(Scenario scenario, List<GroupRun> runs) {
        Samples prompt = new Samples();
        Samples decode = new Samples();
        DelayParts.Sum promptDelays = new DelayParts.Sum();
        DelayParts.Sum decodeDelays = new DelayParts.Sum();
        List<NodeUse> nodes = new ArrayList<>();
        List<LinkUse> links = new ArrayList<>();
        List<GroupRates> rates = new ArrayList<>();
        for (GroupRun run : runs) {
            prompt.addAll(run.window.prompt);
            decode.addAll(run.window.decode);
            promptDelays.add(run.window.promptDelays);
            decodeDelays.add(run.window.decodeDelays);
            nodes.addAll(run.nodes);
            links.addAll(run.links);
            rates.add(run.rates());
        }
        long arrived = runs.stream().mapToLong(GroupRun::arrived).sum();
        long finished = runs.stream().mapToLong(GroupRun::finished).sum();
        long rejected = runs.stream().mapToLong(GroupRun::rejected).sum();
        return new SimulationResult(
                scenario.name(),
                runs.stream().mapToDouble(GroupRun::simulatedSeconds).sum(),
                scenario.windowSeconds(),
                decode.size() / scenario.windowSeconds(),
                runs.stream().mapToLong(run -> run.window.promptTokens).sum() / scenario.windowSeconds(),
                prompt.summary(),
                decode.summary(),
                promptDelays.mean(prompt.size()),
                decodeDelays.mean(decode.size()),
                prompt.size(),
                decode.size(),
                arrived,
                finished,
                rejected,
                arrived - finished - rejected,
                runs.stream().mapToDouble(run -> run.window.inFlight.mean()).sum(),
                runs.stream()
                        .mapToDouble(run -> run.window.kvExpectation.mean())
                        .max()
                        .orElse(0),
                runs.stream().mapToLong(GroupRun::kvOverflows).sum(),
                runs.stream().mapToLong(GroupRun::events).sum(),
                nodes,
                links,
                rates);
    }
}
