package io.sluice.clusters;

import java.nio.file.Path;
import java.util.List;

/** How many requests arrived in each slot of time, from a CSV file with the columns {@code interval_index,arrivals}. */
public final class Arrivals {
    /** Length of a slot in the files of {@code examples/helix/traces}, seconds. */
    public static final double SLOT_SECONDS = 3;

    private Arrivals() {}

    /**
     * Arrivals by slot.
     *
     * @throws IllegalArgumentException when the file cannot be read, a number is negative or slots do not count 0, 1,
     *     2, ...; names file, line and value
     */
    public static int[] perSlot(Path file) {
        List<CsvTable.Row> rows =
                CsvTable.read(file, "interval_index", "arrivals").rows();
        if (rows.isEmpty()) {
            throw new IllegalArgumentException(file + " holds no slot; one line per slot is needed");
        }
        int[] arrivals = new int[rows.size()];
        for (int i = 0; i < arrivals.length; i++) {
            if (rows.get(i).whole("interval_index", 0) != i) {
                throw rows.get(i).bad("interval_index", "must be " + i + ": slots count 0, 1, 2, ...");
            }
            arrivals[i] = rows.get(i).count("arrivals", 0);
        }
        return arrivals;
    }
}
