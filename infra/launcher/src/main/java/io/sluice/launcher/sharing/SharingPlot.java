package io.sluice.launcher.sharing;

import io.sluice.launcher.picture.ScatterPlot;
import io.sluice.launcher.picture.ScatterPlot.Panel;
import io.sluice.launcher.picture.ScatterPlot.Point;
import io.sluice.launcher.picture.Svg;
import io.sluice.sharing.SharingResult;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/** Draws what policies cost the server's p99 against the best-effort work they get done: one point per policy. */
public final class SharingPlot {
    private static final double LOWEST_PERCENT = 0.1;
    private static final String OURS = "sluice";
    private static final String GAIN = "best-effort throughput against the job alone";

    private SharingPlot() {}

    /**
     * One policy.
     *
     * @param bestEffort throughput against the job alone
     * @param service part that the service p99 is longer than alone
     * @param response the same of the response p99; empty: overloaded
     */
    public record Figures(String policy, double bestEffort, double service, OptionalDouble response) {}

    /** A comparison of one scenario. */
    static Svg of(String title, String summary, List<SharingResult> results) {
        List<Figures> figures = new ArrayList<>();
        for (SharingResult result : results) {
            OptionalDouble response =
                    result.overloaded() ? OptionalDouble.empty() : OptionalDouble.of(result.responseOverhead());
            figures.add(
                    new Figures(result.policy(), result.bestEffortThroughput(), result.serviceOverhead(), response));
        }
        return draw(title, summary, figures, 0, 0);
    }

    /** Any figures; lines at {@code aimBestEffort} and {@code aimOverhead}, 0: none. */
    public static Svg draw(
            String title, String summary, List<Figures> figures, double aimBestEffort, double aimOverhead) {
        List<Point> service = new ArrayList<>();
        List<Point> response = new ArrayList<>();
        List<String> overloaded = new ArrayList<>();
        for (Figures f : figures) {
            boolean ours = f.policy().equals(OURS);
            service.add(new Point(f.policy(), f.bestEffort(), 100 * f.service(), ours));
            if (f.response().isPresent()) {
                response.add(
                        new Point(f.policy(), f.bestEffort(), 100 * f.response().getAsDouble(), ours));
            } else {
                overloaded.add(f.policy());
            }
        }
        String left = "right and down is better; at most " + LOWEST_PERCENT + " % is drawn on the axis";
        String right = overloaded.isEmpty() ? "" : "overloaded, not shown: " + String.join(", ", overloaded);
        return ScatterPlot.draw(
                title,
                summary,
                List.of(
                        panel("Service time", service, aimBestEffort, aimOverhead, left),
                        panel("Response time", response, aimBestEffort, aimOverhead, right)));
    }

    private static Panel panel(String title, List<Point> points, double aimX, double aimY, String remark) {
        return new Panel(title, GAIN, "p99 above p99 alone, %", LOWEST_PERCENT, aimX, 100 * aimY, points, remark);
    }
}
