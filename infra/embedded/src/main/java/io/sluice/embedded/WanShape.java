package io.sluice.embedded;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The network between sites that a stack runs across, as {@code --wan 80ms,100mbit,jitter=5ms,loss=0.1%} says: 80 ms there
 * and back between any two sites, and 100 Mbit/s for each site in each direction. Every site has a {@link WanRelay} between
 * itself and the broker; what goes from one site to another crosses two of them, and there and back makes four crossings of
 * a quarter of the round trip each. Whoever is at the broker's site (router, clients) is one crossing away from a worker.
 * Immutable.
 *
 * @param roundTripNanos between two sites, nanoseconds
 * @param bitsPerSecond of a site, each way; 0: no bound
 * @param jitterNanos a crossing takes up to so much longer, evenly drawn; order is kept, as TCP keeps it
 * @param loss part of the packets lost, each of which comes {@link #recoveryNanos} late
 */
public record WanShape(long roundTripNanos, double bitsPerSecond, long jitterNanos, double loss) {
    /** Payload of a packet, bytes. */
    public static final int PACKET_BYTES = 1_448;

    private static final int CROSSINGS = 4;
    private static final long LEAST_RECOVERY_NANOS = 10_000_000;
    private static final long MOST_NANOS = 60_000_000_000L;
    private static final Pattern TIME = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,6})?)(us|ms|s)");
    private static final Pattern RATE = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,6})?)(kbit|mbit|gbit)");
    private static final Pattern PART = Pattern.compile("(\\d{1,3}(?:\\.\\d{1,9})?)(%?)");
    private static final String EXAMPLE = "80ms,100mbit,jitter=5ms,loss=0.1%";

    public WanShape {
        if (roundTripNanos < 0 || roundTripNanos > MOST_NANOS || jitterNanos < 0 || jitterNanos > MOST_NANOS) {
            throw new IllegalArgumentException("--wan: a round trip of " + roundTripNanos / 1_000_000
                    + " ms and a jitter of " + jitterNanos / 1_000_000 + " ms must be 0 to 60 s");
        }
        if (!(bitsPerSecond == 0 || bitsPerSecond >= 8_000 && bitsPerSecond <= 1e12)) {
            throw new IllegalArgumentException(
                    "--wan: a rate of " + bitsPerSecond + " bit/s must be 8kbit to 1000gbit, or left out");
        }
        if (!(loss >= 0 && loss <= 0.5)) {
            throw new IllegalArgumentException("--wan: a loss of " + loss * 100 + " % must be 0 % to 50 %");
        }
    }

    /** A network of this round trip and rate, without jitter or loss. */
    public static WanShape of(double roundTripMillis, double megabitsPerSecond) {
        return new WanShape(Math.round(roundTripMillis * 1e6), megabitsPerSecond * 1e6, 0, 0);
    }

    /**
     * Reads {@code ROUND_TRIP[,RATE][,jitter=TIME][,loss=PART%]}.
     *
     * @throws IllegalArgumentException when it is something else; names the part that is wrong, and an example
     */
    public static WanShape parse(String text) {
        Objects.requireNonNull(text, "text");
        Long roundTrip = null;
        Double rate = null;
        Long jitter = null;
        Double loss = null;
        for (String raw : text.split(",", -1)) {
            String part = raw.strip().toLowerCase(Locale.ROOT);
            if (part.startsWith("jitter=") && jitter == null) {
                jitter = nanos(part.substring("jitter=".length()), text, raw);
            } else if (part.startsWith("loss=") && loss == null) {
                loss = fraction(part.substring("loss=".length()), text, raw);
            } else if (RATE.matcher(part).matches() && rate == null) {
                rate = bits(part);
            } else if (TIME.matcher(part).matches() && roundTrip == null) {
                roundTrip = nanos(part, text, raw);
            } else {
                throw wrong(
                        text,
                        "'" + raw.strip() + "' is neither a time nor a rate nor jitter= nor loss=, or is there twice");
            }
        }
        if (roundTrip == null) {
            throw wrong(text, "the round-trip time is missing");
        }
        return new WanShape(roundTrip, rate == null ? 0 : rate, jitter == null ? 0 : jitter, loss == null ? 0 : loss);
    }

    /** One-way delay of a relay, nanoseconds. */
    public long crossingNanos() {
        return roundTripNanos / CROSSINGS;
    }

    /** Bytes per second of a site, each way; 0: no bound. */
    public double bytesPerSecond() {
        return bitsPerSecond / 8;
    }

    /**
     * How much later a lost packet comes, and with it everything behind it: two round trips of the connection to the
     * broker, at least 10 ms, which is when TCP repeats the end of a burst (tail loss probe, RFC 8985).
     */
    public long recoveryNanos() {
        return Math.max(LEAST_RECOVERY_NANOS, roundTripNanos);
    }

    private static Long nanos(String text, String all, String part) {
        Matcher matcher = TIME.matcher(text);
        if (!matcher.matches()) {
            throw wrong(all, "'" + part.strip() + "' needs a time such as 5ms");
        }
        long unit =
                switch (matcher.group(2)) {
                    case "us" -> 1_000;
                    case "ms" -> 1_000_000;
                    default -> 1_000_000_000;
                };
        return new BigDecimal(matcher.group(1))
                .multiply(BigDecimal.valueOf(unit))
                .longValue();
    }

    private static double bits(String text) {
        Matcher matcher = RATE.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalStateException(text + " was a rate a moment ago");
        }
        double unit =
                switch (matcher.group(2)) {
                    case "kbit" -> 1e3;
                    case "mbit" -> 1e6;
                    default -> 1e9;
                };
        return Double.parseDouble(matcher.group(1)) * unit;
    }

    private static double fraction(String text, String all, String part) {
        Matcher matcher = PART.matcher(text);
        if (!matcher.matches()) {
            throw wrong(all, "'" + part.strip() + "' needs a part such as 0.1%");
        }
        return Double.parseDouble(matcher.group(1)) / (matcher.group(2).isEmpty() ? 1 : 100);
    }

    private static IllegalArgumentException wrong(String text, String why) {
        return new IllegalArgumentException("--wan '" + text + "': " + why + "; write for example --wan " + EXAMPLE);
    }

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(number(roundTripNanos / 1e6)).append("ms");
        if (bitsPerSecond > 0) {
            text.append(',').append(number(bitsPerSecond / 1e6)).append("mbit");
        }
        if (jitterNanos > 0) {
            text.append(",jitter=").append(number(jitterNanos / 1e6)).append("ms");
        }
        if (loss > 0) {
            text.append(",loss=").append(number(loss * 100)).append('%');
        }
        return text.toString();
    }

    private static String number(double value) {
        return BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
    }
}
