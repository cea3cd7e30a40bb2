package io.sluice.router;

import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.slo.Slo;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A checked and tokenized request. Immutable by agreement: nobody writes to {@code promptIds}.
 *
 * @param promptIds the prompt as the model sees it
 * @param maxTokens output bound, already clipped to what the context leaves
 * @param kvTokens KV cache to reserve on every stage, tokens
 * @param weight share of its tenant among best-effort tenants
 * @param slo what it asks of its latency
 * @param regions allowed regions, sorted; empty: all
 * @param arrivalMs when the client made the request, milliseconds since the Unix epoch
 * @param deadlineMs last instant at which it may be assigned, milliseconds since the Unix epoch; {@link #NO_DEADLINE}: it
 *     waits for as long as it takes
 * @param originOffset offset in the requests topic; orders requests that came in the same millisecond
 */
record RoutedRequest(
        SessionId id,
        String model,
        String tenant,
        int[] promptIds,
        int maxTokens,
        int kvTokens,
        float temperature,
        int topK,
        float topP,
        long seed,
        boolean ignoreEos,
        ServiceClass serviceClass,
        double weight,
        Slo slo,
        List<String> regions,
        long arrivalMs,
        long deadlineMs,
        long originOffset) {

    /** Of a request that may wait for ever. */
    static final long NO_DEADLINE = Long.MAX_VALUE;

    boolean isBestEffort() {
        return serviceClass == ServiceClass.BEST_EFFORT;
    }

    /** Tokens the session is expected to bring. */
    long work() {
        return (long) promptIds.length + maxTokens;
    }

    Set<String> regionSet() {
        return new TreeSet<>(regions);
    }
}
