package io.sluice.launcher.picture;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Colours that people with any colour vision tell apart (Okabe and Ito), each dark enough on white. */
public final class Palette {
    /** Marks what limits; never used for anything else. */
    public static final String ALARM = "#a40e26";

    private static final List<String> COLOURS =
            List.of("#0072b2", "#d98200", "#009e73", "#b3589a", "#3fa0d8", "#6e5a00", "#5c5f66", "#7a4fd0");

    private Palette() {}

    /** The colour of the i-th thing; they repeat after eight. */
    public static String colour(int index) {
        return COLOURS.get(Math.floorMod(index, COLOURS.size()));
    }

    /** A colour for each name, by order of the names, so that the same names get the same colours in every picture. */
    public static SortedMap<String, String> byName(SortedSet<String> names) {
        SortedMap<String, String> colours = new TreeMap<>();
        List<String> ordered = new ArrayList<>(new TreeSet<>(names));
        for (int i = 0; i < ordered.size(); i++) {
            colours.put(ordered.get(i), colour(i));
        }
        return colours;
    }
}
