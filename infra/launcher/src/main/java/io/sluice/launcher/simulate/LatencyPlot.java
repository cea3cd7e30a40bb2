package io.sluice.launcher.simulate;

import io.sluice.launcher.picture.LinePlot;
import io.sluice.launcher.picture.LinePlot.Curve;
import io.sluice.launcher.picture.LinePlot.Panel;
import io.sluice.launcher.picture.Svg;
import io.sluice.simulator.SimulationResult;
import io.sluice.simulator.SimulationResult.Latencies;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** Draws how latencies are distributed: prompts left, decode steps right, a curve per policy. */
final class LatencyPlot {
    private static final int SHOWN_PERCENTILES = 100;

    private LatencyPlot() {}

    static Svg draw(String title, String summary, List<SimulationRun> runs) {
        return LinePlot.draw(
                title,
                summary,
                List.of(
                        panel("Prompts", "seconds until the prompt is through", runs, SimulationResult::prompt),
                        panel("Generated tokens", "seconds per token", runs, SimulationResult::decode)));
    }

    private static Panel panel(
            String title, String label, List<SimulationRun> runs, Function<SimulationResult, Latencies> latencies) {
        return new Panel(
                title,
                label,
                "share that is at least so fast",
                false,
                runs.stream()
                        .map(run -> curve(run.policy(), latencies.apply(run.result())))
                        .toList());
    }

    private static Curve curve(String name, Latencies latencies) {
        int points = latencies.percentiles().size();
        double[] x = new double[points];
        double[] y = new double[points];
        for (int i = 0; i < points; i++) {
            x[i] = latencies.percentiles().get(i);
            y[i] = i / 100.0;
        }
        // One slow token in thousands would squeeze all others to the left.
        int shown = Math.min(points, SHOWN_PERCENTILES);
        return new Curve(name, Arrays.copyOf(x, shown), Arrays.copyOf(y, shown));
    }
}
