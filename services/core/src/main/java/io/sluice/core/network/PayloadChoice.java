package io.sluice.core.network;

import java.util.Locale;
import java.util.Objects;
import java.util.OptionalDouble;

/**
 * Whether activations cross a link as fp16 or as int8 blocks, which halve the bytes and cost a little precision. Int8 where
 * fp16 is a notable part of the time: its transfer takes at least {@link #NOTABLE_SHARE} of a step (transfer, link latency
 * and computing together), or the link is busy with it for {@link #NOTABLE_LOAD} of the time, so that steps queue. Back to
 * fp16 below half of both. The choice changes only after {@link #AGREEING} looks in a row have said the same. A link whose
 * bandwidth is unknown carries fp16. Not thread-safe.
 */
public final class PayloadChoice {
    /** Share of a step that sending fp16 takes. */
    public static final double NOTABLE_SHARE = 0.1;
    /** Share of the time that the link would be busy with fp16. */
    public static final double NOTABLE_LOAD = 0.5;
    /** Looks in a row that change the choice. */
    public static final int AGREEING = 3;

    private static final double LEAVE = 0.5;

    private Payload payload = Payload.FP16;
    private int contrary;
    private String reason = "nothing measured yet";

    /** Element type on the link. */
    public enum Payload {
        FP16,
        INT8
    }

    /**
     * What was seen of a link since the last look.
     *
     * @param bytesPerSecond measured bandwidth; empty: unknown
     * @param stepBytes a step's activations in fp16, bytes
     * @param computeSeconds a step's computing at the sender
     * @param latencySeconds of the empty link; 0 where unknown
     * @param sentBytesPerSecond activations sent, counted in fp16, bytes/s
     */
    public record Seen(
            OptionalDouble bytesPerSecond,
            double stepBytes,
            double computeSeconds,
            double latencySeconds,
            double sentBytesPerSecond) {
        public Seen {
            Objects.requireNonNull(bytesPerSecond, "bytesPerSecond");
            if (!(bytesPerSecond.orElse(1) > 0)
                    || !(stepBytes >= 0)
                    || !(computeSeconds >= 0)
                    || !(latencySeconds >= 0)
                    || !(sentBytesPerSecond >= 0)) {
                throw new IllegalArgumentException("a link of " + bytesPerSecond + " bytes/s, steps of " + stepBytes
                        + " bytes and " + computeSeconds + " s, latency " + latencySeconds + " s, " + sentBytesPerSecond
                        + " bytes/s sent: nothing may be negative, and the bandwidth must be positive");
            }
        }
    }

    /** The choice after one more look. */
    public Payload look(Seen seen) {
        Payload better = better(seen);
        contrary = better == payload ? 0 : contrary + 1;
        if (contrary >= AGREEING) {
            payload = better;
            contrary = 0;
            reason = reason(seen);
        }
        return payload;
    }

    /** The choice as it is. */
    public Payload payload() {
        return payload;
    }

    /** Why it changed last, for a log line. */
    public String reason() {
        return reason;
    }

    private Payload better(Seen seen) {
        if (seen.bytesPerSecond.isEmpty() || seen.stepBytes == 0) {
            // Silence says nothing; an unknown bandwidth says fp16.
            return seen.bytesPerSecond.isEmpty() ? Payload.FP16 : payload;
        }
        double hurdle = payload == Payload.INT8 ? LEAVE : 1;
        return share(seen) >= hurdle * NOTABLE_SHARE || load(seen) >= hurdle * NOTABLE_LOAD
                ? Payload.INT8
                : Payload.FP16;
    }

    private static double share(Seen seen) {
        double transfer = seen.stepBytes / seen.bytesPerSecond.orElseThrow();
        return transfer / (transfer + seen.latencySeconds + seen.computeSeconds);
    }

    private static double load(Seen seen) {
        return seen.sentBytesPerSecond / seen.bytesPerSecond.orElseThrow();
    }

    private static String reason(Seen seen) {
        if (seen.bytesPerSecond.isEmpty()) {
            return "the bandwidth is no longer known";
        }
        return String.format(
                Locale.ROOT,
                "fp16 takes %.1f %% of a step (%.3f ms of sending, %.3f ms of latency, %.3f ms of computing) and would keep"
                        + " the link busy %.0f %% of the time at %.2f MB/s",
                100 * share(seen),
                1e3 * seen.stepBytes / seen.bytesPerSecond.orElseThrow(),
                1e3 * seen.latencySeconds,
                1e3 * seen.computeSeconds,
                100 * load(seen),
                seen.bytesPerSecond.orElseThrow() / 1e6);
    }
}
