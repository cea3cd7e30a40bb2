package io.sluice.clusters;

import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Numbers with units as people write them. Sizes become bytes ({@code 80GB} is 80·10^9, {@code 16GiB} 16·2^30), rates
 * bytes per second ({@code 10Gbit}, {@code 1.25GB/s}), durations seconds ({@code 40ms}). A bare number is bytes, bytes
 * per second or seconds. {@code Gb} is refused: nobody knows whether bits or bytes are meant.
 */
final class Units {
    private static final Pattern TEXT = Pattern.compile("([0-9.]{1,40}(?:[eE][-+]?[0-9]{1,2})?) ?([A-Za-zµ/]*)");
    private static final Map<String, BigDecimal> SIZES = sizes();
    private static final Map<String, BigDecimal> RATES = rates();
    private static final Map<String, BigDecimal> DURATIONS = durations();

    private Units() {}

    /** Bytes; empty when it is no size. */
    static Optional<Double> size(String text) {
        return parse(text, SIZES);
    }

    /** Bytes per second; empty when it is no rate. */
    static Optional<Double> rate(String text) {
        return parse(text, RATES);
    }

    /** Seconds; empty when it is no duration. */
    static Optional<Double> duration(String text) {
        return parse(text, DURATIONS);
    }

    /** Reads back as exactly {@code bytes}. */
    static String printSize(double bytes) {
        return print(bytes, SIZES, "GB", "MB", "kB", "B");
    }

    /** Reads back as exactly {@code bytesPerSecond}. */
    static String printRate(double bytesPerSecond) {
        return print(bytesPerSecond, RATES, "GB/s", "MB/s", "kB/s", "B/s");
    }

    /** Reads back as exactly {@code seconds}. */
    static String printDuration(double seconds) {
        return print(seconds, DURATIONS, "s", "ms", "us");
    }

    /** {@code value} in units of {@code 10^power}, so that the text times {@code 10^power} is exactly {@code value}. */
    static String scaled(double value, int power) {
        return plain(BigDecimal.valueOf(value).movePointLeft(power));
    }

    private static Optional<Double> parse(String text, Map<String, BigDecimal> units) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches() || !units.containsKey(matcher.group(2))) {
            return Optional.empty();
        }
        try {
            double value = new BigDecimal(matcher.group(1))
                    .multiply(units.get(matcher.group(2)))
                    .doubleValue();
            return Double.isFinite(value) ? Optional.of(value) : Optional.empty();
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    private static String print(double value, Map<String, BigDecimal> units, String... largestFirst) {
        BigDecimal exact = BigDecimal.valueOf(value);
        String unit = largestFirst[largestFirst.length - 1];
        for (String candidate : largestFirst) {
            if (exact.compareTo(units.get(candidate)) >= 0) {
                unit = candidate;
                break;
            }
        }
        int power = units.get(unit).precision() - units.get(unit).scale() - 1;
        return plain(exact.movePointLeft(power)) + unit;
    }

    private static String plain(BigDecimal number) {
        if (number.signum() == 0) {
            return "0";
        }
        BigDecimal short1 = number.stripTrailingZeros();
        return Math.abs(short1.scale()) > 25 ? short1.toString() : short1.toPlainString();
    }

    private static Map<String, BigDecimal> sizes() {
        Map<String, BigDecimal> units = new LinkedHashMap<>();
        String[] decimal = {"", "k", "M", "G", "T", "P"};
        for (int i = 0; i < decimal.length; i++) {
            units.put(decimal[i] + "B", BigDecimal.TEN.pow(3 * i));
            if (i > 0) {
                String binary = decimal[i].equals("k") ? "K" : decimal[i];
                units.put(binary + "iB", BigDecimal.valueOf(1024).pow(i));
            }
        }
        units.put("KB", BigDecimal.valueOf(1000));
        units.put("", BigDecimal.ONE);
        return units;
    }

    private static Map<String, BigDecimal> rates() {
        Map<String, BigDecimal> units = new LinkedHashMap<>();
        sizes().forEach((unit, bytes) -> {
            if (!unit.isEmpty()) {
                units.put(unit + "/s", bytes);
            }
        });
        String[] decimal = {"", "k", "M", "G", "T"};
        for (int i = 0; i < decimal.length; i++) {
            BigDecimal bytes = BigDecimal.TEN.pow(3 * i).multiply(new BigDecimal("0.125"));
            units.put(decimal[i] + "bit", bytes);
            units.put(decimal[i] + "bit/s", bytes);
            if (i > 0) {
                units.put(decimal[i] + "bps", bytes);
            }
        }
        units.put("", BigDecimal.ONE);
        return units;
    }

    private static Map<String, BigDecimal> durations() {
        Map<String, BigDecimal> units = new LinkedHashMap<>();
        units.put("ns", new BigDecimal("1e-9"));
        units.put("us", new BigDecimal("1e-6"));
        units.put("µs", new BigDecimal("1e-6"));
        units.put("ms", new BigDecimal("1e-3"));
        units.put("s", BigDecimal.ONE);
        units.put("", BigDecimal.ONE);
        return units;
    }
}
