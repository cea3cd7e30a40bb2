package io.sluice.launcher.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Where bands of flow leave and enter bars: stacked over the bar's height, in the order of the other ends, so that they
 * cross as little as possible. Bands of the coordinator end at the height of their node. Immutable.
 */
final class PictureBands {
    private final List<Placed> placed;

    /** A band with the heights of its ends, pixels. */
    record Placed(PictureRows.Band band, double fromY, double toY, double width) {}

    /** @param scale pixels per token/s */
    PictureBands(List<PictureRows.Band> bands, List<PictureRows.Row> rows, double scale) {
        double[] fromY = new double[bands.size()];
        double[] toY = new double[bands.size()];
        stack(bands, rows, scale, true, fromY);
        stack(bands, rows, scale, false, toY);
        List<Placed> made = new ArrayList<>();
        for (int i = 0; i < bands.size(); i++) {
            PictureRows.Band band = bands.get(i);
            double width = band.flow() * scale;
            made.add(new Placed(band, band.from() < 0 ? toY[i] : fromY[i], band.to() < 0 ? fromY[i] : toY[i], width));
        }
        this.placed = List.copyOf(made);
    }

    List<Placed> placed() {
        return placed;
    }

    private static void stack(
            List<PictureRows.Band> bands, List<PictureRows.Row> rows, double scale, boolean leaving, double[] y) {
        List<List<Integer>> atRow = new ArrayList<>();
        rows.forEach(row -> atRow.add(new ArrayList<>()));
        for (int i = 0; i < bands.size(); i++) {
            int row = leaving ? bands.get(i).from() : bands.get(i).to();
            if (row >= 0) {
                atRow.get(row).add(i);
            }
        }
        for (int r = 0; r < rows.size(); r++) {
            List<Integer> mine = atRow.get(r);
            double middle = rows.get(r).middle();
            mine.sort(Comparator.comparingDouble(i -> otherEnd(bands.get(i), rows, leaving, middle)));
            double sum =
                    mine.stream().mapToDouble(i -> bands.get(i).flow() * scale).sum();
            double at = middle - sum / 2;
            for (int i : mine) {
                double width = bands.get(i).flow() * scale;
                y[i] = at + width / 2;
                at += width;
            }
        }
    }

    private static double otherEnd(PictureRows.Band band, List<PictureRows.Row> rows, boolean leaving, double middle) {
        int other = leaving ? band.to() : band.from();
        return other < 0 ? middle : rows.get(other).middle();
    }
}
