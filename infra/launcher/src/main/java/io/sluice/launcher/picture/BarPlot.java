package io.sluice.launcher.picture;

import io.sluice.launcher.picture.Svg.Anchor;
import java.util.List;
import java.util.Locale;

/** Draws groups of horizontal bars with their figures: what one method reaches beside another. */
public final class BarPlot {
    private static final double MARGIN = 24;
    private static final double BAR = 20;
    private static final double LONGEST = 560;

    private BarPlot() {}

    /** A bar; {@code strong} for the one that is compared. */
    public record Bar(String name, double value, String figure, boolean strong) {}

    /** Bars on one scale. */
    public record Group(String title, List<Bar> bars) {
        public Group {
            bars = List.copyOf(bars);
        }
    }

    /** The picture, groups one below the other, each on its own scale from 0. */
    public static Svg draw(String title, String summary, List<Group> groups) {
        double names = 40
                + groups.stream()
                        .flatMap(group -> group.bars().stream())
                        .mapToDouble(bar -> Svg.textWidth(bar.name(), 12))
                        .max()
                        .orElse(0);
        double figures = 30
                + groups.stream()
                        .flatMap(group -> group.bars().stream())
                        .mapToDouble(bar -> Svg.textWidth(bar.figure(), 12))
                        .max()
                        .orElse(0);
        double width = Math.max(MARGIN + names + LONGEST + figures, 2 * MARGIN + Svg.textWidth(summary, 13));
        Svg svg = new Svg(width, 0, title);
        svg.text(MARGIN, 34, title, 18, Svg.INK, Anchor.START, true);
        svg.text(MARGIN, 58, summary, 13, Svg.MUTED, Anchor.START, false);
        double y = 92;
        for (Group group : groups) {
            svg.text(MARGIN, y, group.title(), 13, Svg.INK, Anchor.START, true);
            y += 12;
            double largest = group.bars().stream().mapToDouble(Bar::value).max().orElse(1);
            for (Bar bar : group.bars()) {
                double length = largest > 0 ? LONGEST * Math.max(0, bar.value()) / largest : 0;
                svg.text(MARGIN + names - 12, y + 14, bar.name(), 12, Svg.INK, Anchor.END, bar.strong());
                String colour = Palette.colour(bar.strong() ? 0 : 6);
                String hover = bar.name() + String.format(Locale.ROOT, ": %s", bar.figure());
                svg.rect(MARGIN + names, y + 2, Math.max(1, length), BAR - 4, 2, colour, hover);
                svg.text(MARGIN + names + length + 8, y + 14, bar.figure(), 12, Svg.INK, Anchor.START, bar.strong());
                y += BAR + 2;
            }
            y += 24;
        }
        svg.height(y);
        return svg;
    }
}
