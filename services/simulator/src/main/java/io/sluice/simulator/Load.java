package io.sluice.simulator;

import io.sluice.core.cluster.RequestShape;
import java.util.Arrays;
import java.util.List;

/** Where a group's requests come from. Immutable. */
public sealed interface Load {
    /**
     * Helix's offline feeder (section 6): {@code initial} requests 0.1 s apart; then after every prompt and every request
     * that finishes, while the bottleneck's expected KV cache is at most {@code kvMark}, one more after 0.1 s.
     */
    record Fill(int initial, double kvMark) implements Load {
        /** As published: 20 requests, then up to 80 % of the KV cache. */
        public static final Fill HELIX = new Fill(20, 0.8);

        public Fill {
            if (initial < 1 || !(kvMark > 0) || kvMark > 1) {
                throw new IllegalArgumentException("offline load: " + initial
                        + " first requests must be at least 1 and the KV mark " + kvMark + " in (0, 1]");
            }
        }
    }

    /** A constant number of requests: first 0.1 s apart, then one for every one that finishes. */
    record Constant(int requests) implements Load {
        public Constant {
            if (requests < 1) {
                throw new IllegalArgumentException("offline load: " + requests + " requests must be at least 1");
            }
        }
    }

    /**
     * An endless backlog: the next request is there at once, and {@link Routing#admit} says when it starts. Its prompt
     * latency counts from then. It is asked again whenever a prompt or a request ends.
     */
    record Backlog() implements Load {}

    /**
     * Arrivals of a recorded trace scaled to a rate: for every slot the count of a slot drawn at random, scaled, with the
     * rounding error carried on; arrival times uniform within the slot (Helix's artefact).
     *
     * @param offeredTokensPerSecond prompt and generated tokens asked for per second
     * @param tokensPerRequest prompt and generated tokens of a mean request, for the scale
     */
    record Rate(double offeredTokensPerSecond, double tokensPerRequest, double slotSeconds, int[] arrivalsPerSlot)
            implements Load {
        /** Mean of the Azure conversation trace, as Helix's artefact counts it. */
        public static final double AZURE_TOKENS_PER_REQUEST = 995.5;

        public Rate {
            arrivalsPerSlot = arrivalsPerSlot.clone();
            if (!(offeredTokensPerSecond > 0) || !(tokensPerRequest > 0) || !(slotSeconds > 0)) {
                throw new IllegalArgumentException("online load: " + offeredTokensPerSecond + " tokens/s, "
                        + tokensPerRequest + " tokens per request and slots of " + slotSeconds
                        + " s must all be positive");
            }
            if (Arrays.stream(arrivalsPerSlot).sum() < 1) {
                throw new IllegalArgumentException("online load: the trace has no arrivals");
            }
        }

        /** Three-second slots of the Azure conversation trace. */
        public static Rate of(double offeredTokensPerSecond, int[] arrivalsPerSlot) {
            return new Rate(offeredTokensPerSecond, AZURE_TOKENS_PER_REQUEST, 3, arrivalsPerSlot);
        }

        @Override
        public int[] arrivalsPerSlot() {
            return arrivalsPerSlot.clone();
        }
    }

    /** Requests with their times of arrival, seconds, not falling; those after the window are left out. */
    record Given(double[] arrivalSeconds, List<RequestShape> requests) implements Load {
        public Given {
            arrivalSeconds = arrivalSeconds.clone();
            requests = List.copyOf(requests);
            if (arrivalSeconds.length != requests.size()) {
                throw new IllegalArgumentException(
                        arrivalSeconds.length + " arrival times, but " + requests.size() + " requests");
            }
            for (int i = 0; i < arrivalSeconds.length; i++) {
                double before = i == 0 ? 0 : arrivalSeconds[i - 1];
                if (!(arrivalSeconds[i] >= before) || Double.isInfinite(arrivalSeconds[i])) {
                    throw new IllegalArgumentException(
                            "arrival " + i + " at " + arrivalSeconds[i] + " s: times must not fall");
                }
            }
        }

        @Override
        public double[] arrivalSeconds() {
            return arrivalSeconds.clone();
        }
    }
}
