package io.sluice.launcher.stack;

import java.math.BigDecimal;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads sizes such as {@code 16GiB}, {@code 1.5 GB} or {@code 4096}. Stateless. */
public final class DataSize {
    private static final Pattern FORMAT = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([A-Za-z]*)");
    private static final Map<String, Long> UNITS = Map.ofEntries(
            Map.entry("", 1L),
            Map.entry("b", 1L),
            Map.entry("kb", 1_000L),
            Map.entry("mb", 1_000_000L),
            Map.entry("gb", 1_000_000_000L),
            Map.entry("tb", 1_000_000_000_000L),
            Map.entry("kib", 1L << 10),
            Map.entry("mib", 1L << 20),
            Map.entry("gib", 1L << 30),
            Map.entry("tib", 1L << 40));

    private DataSize() {}

    /**
     * Bytes of a size.
     *
     * @throws IllegalArgumentException when it is not a positive size; names it and an example
     */
    public static long parseBytes(String text) {
        Matcher matcher = FORMAT.matcher(text.trim());
        if (matcher.matches()) {
            Long unit = UNITS.get(matcher.group(2).toLowerCase(java.util.Locale.ROOT));
            if (unit != null) {
                BigDecimal bytes = new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(unit));
                if (bytes.signum() > 0 && bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) <= 0) {
                    return bytes.longValue();
                }
            }
        }
        throw new IllegalArgumentException(
                "size '" + text + "' must be a positive number with a unit, for example" + " 16GiB");
    }
}
