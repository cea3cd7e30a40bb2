package io.sluice.router;

import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.routing.KvReservation;
import io.sluice.core.sharing.FairTurns;
import io.sluice.core.sharing.TenantId;
import io.sluice.core.slo.Slo;
import io.sluice.messaging.StageCodec;
import io.sluice.records.ErrorReason;
import io.sluice.records.InferenceRequest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Decides whether a request can be served at all, and tokenizes it. An output bound beyond the model's context is
 * clipped to what the prompt leaves of it; a prompt that leaves nothing is refused. Thread-safe.
 */
final class RequestChecker {
    private static final int MAX_SHOWN = 40;
    private static final int MAX_NAME_CHARS = 256;
    private static final int MAX_REGIONS = 64;

    private final ModelCatalog models;
    private final Duration defaultDeadline;

    RequestChecker(ModelCatalog models, Duration defaultDeadline) {
        this.models = models;
        this.defaultDeadline = defaultDeadline;
    }

    /** What came of a check. */
    sealed interface Result {
        record Accepted(RoutedRequest request) implements Result {}

        record Refused(ErrorReason reason, String message) implements Result {}
    }

    /** A request cannot be served, for a reason that its client can read. */
    private static final class Refusal extends Exception {
        private static final long serialVersionUID = 1L;
        private final ErrorReason reason;

        Refusal(ErrorReason reason, String message) {
            super(message);
            this.reason = reason;
        }
    }

    /** The id, if it is one and equals the record's key; otherwise what is wrong with it. */
    static Result.Refused checkId(InferenceRequest request, String key) {
        String id = request.getRequestId();
        if (validId(id).isEmpty()) {
            return new Result.Refused(
                    ErrorReason.INVALID_REQUEST,
                    "request_id '" + shown(id) + "' must be 1 to 128 characters of [A-Za-z0-9._-]");
        }
        if (!id.equals(key)) {
            return new Result.Refused(
                    ErrorReason.INVALID_REQUEST,
                    "the record's key " + (key == null ? "is missing" : "'" + shown(key) + "'")
                            + " and must be the request_id '" + id + "', so that its tokens meet it");
        }
        return null;
    }

    static Optional<SessionId> validId(String id) {
        try {
            return Optional.of(new SessionId(id));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /**
     * Checks everything but the id.
     *
     * @param recordMs timestamp of the record, milliseconds since the Unix epoch
     * @param nowMs a client's clock that is ahead of this cannot buy waiting time
     */
    Result check(InferenceRequest request, long recordMs, long offset, long nowMs) {
        try {
            return new Result.Accepted(accept(request, recordMs, offset, nowMs));
        } catch (Refusal refusal) {
            return new Result.Refused(refusal.reason, refusal.getMessage());
        }
    }

    private RoutedRequest accept(InferenceRequest request, long recordMs, long offset, long nowMs) throws Refusal {
        ServedModel model = models.find(request.getModel())
                .orElseThrow(() -> new Refusal(
                        ErrorReason.UNKNOWN_MODEL,
                        "model '" + shown(request.getModel()) + "' is not served; served: "
                                + String.join(", ", models.names())));
        checkSampling(request);
        checkNames(request);
        checkTenant(request);
        int[] prompt = prompt(request, model);
        int context = model.contextLength();
        if (prompt.length >= context) {
            throw new Refusal(
                    ErrorReason.PROMPT_TOO_LONG,
                    "the prompt has " + prompt.length + " tokens and model " + request.getModel() + " has a context of "
                            + context + " for prompt and output together; shorten the prompt to at most "
                            + (context - 1) + " tokens");
        }
        int maxTokens = Math.min(request.getMaxTokens(), context - prompt.length);
        long arrivalMs = Math.min(request.getArrivalMs() > 0 ? request.getArrivalMs() : recordMs, nowMs);
        return new RoutedRequest(
                new SessionId(request.getRequestId()),
                request.getModel(),
                request.getTenant(),
                prompt,
                maxTokens,
                KvReservation.roundUp(prompt.length + maxTokens),
                request.getTemperature(),
                request.getTopK(),
                request.getTopP(),
                request.getSeed(),
                request.getIgnoreEos(),
                StageCodec.decode(request.getServiceClass()),
                request.getWeight(),
                slo(request),
                request.getAllowedRegions().stream().sorted().distinct().toList(),
                arrivalMs,
                deadlineMs(request, arrivalMs),
                offset);
    }

    /** A best-effort request waits for as long as it takes, unless it says otherwise. */
    private long deadlineMs(InferenceRequest request, long arrivalMs) {
        if (request.getDeadlineMs() == null && isBestEffort(request)) {
            return RoutedRequest.NO_DEADLINE;
        }
        long waitMs = request.getDeadlineMs() != null ? request.getDeadlineMs() : defaultDeadline.toMillis();
        return arrivalMs + Math.min(waitMs, Long.MAX_VALUE - arrivalMs);
    }

    private static boolean isBestEffort(InferenceRequest request) {
        return StageCodec.decode(request.getServiceClass()) == ServiceClass.BEST_EFFORT;
    }

    private static void checkSampling(InferenceRequest request) throws Refusal {
        require(request.getMaxTokens() >= 1, "max_tokens " + request.getMaxTokens() + " must be at least 1");
        float temperature = request.getTemperature();
        require(
                temperature >= 0 && Float.isFinite(temperature),
                "temperature " + temperature + " must be 0 (greedy) or a positive finite number");
        require(request.getTopK() >= 0, "top_k " + request.getTopK() + " must be 0 (all) or positive");
        float topP = request.getTopP();
        require(topP > 0 && topP <= 1, "top_p " + topP + " must be in (0, 1]");
        Long deadline = request.getDeadlineMs();
        require(deadline == null || deadline > 0, "deadline_ms " + deadline + " must be positive");
    }

    private static Slo slo(InferenceRequest request) throws Refusal {
        var slo = request.getSlo();
        try {
            return slo == null ? Slo.NONE : Slo.of(slo.getTtftMs(), slo.getTpotMs());
        } catch (IllegalArgumentException e) {
            throw new Refusal(ErrorReason.INVALID_REQUEST, e.getMessage());
        }
    }

    /** Workers share their devices among tenants by name and weight. */
    private static void checkTenant(InferenceRequest request) throws Refusal {
        try {
            FairTurns.weight("weight", request.getWeight());
            if (isBestEffort(request)) {
                new TenantId(request.getTenant());
            }
        } catch (IllegalArgumentException e) {
            throw new Refusal(ErrorReason.INVALID_REQUEST, e.getMessage());
        }
    }

    /** Bounds what is kept per session. */
    private static void checkNames(InferenceRequest request) throws Refusal {
        int tenant = request.getTenant().length();
        require(
                tenant <= MAX_NAME_CHARS,
                "tenant has " + tenant + " characters, at most " + MAX_NAME_CHARS + " are kept");
        List<String> regions = request.getAllowedRegions();
        require(
                regions.size() <= MAX_REGIONS,
                "allowed_regions has " + regions.size() + " entries, at most " + MAX_REGIONS + " are kept");
        for (String region : regions) {
            require(
                    region.length() <= MAX_NAME_CHARS,
                    "allowed region '" + shown(region) + "' has more than " + MAX_NAME_CHARS + " characters");
        }
    }

    private static int[] prompt(InferenceRequest request, ServedModel model) throws Refusal {
        boolean text = request.getPrompt() != null;
        boolean ids = request.getPromptTokenIds() != null;
        boolean chat = !request.getMessages().isEmpty();
        int given = (text ? 1 : 0) + (ids ? 1 : 0) + (chat ? 1 : 0);
        require(
                given == 1,
                "exactly one of prompt, prompt_token_ids and messages must be given, this request has " + given);
        int[] prompt = ids
                ? checkedIds(request.getPromptTokenIds(), model.vocabSize())
                : text
                        ? encode(() -> model.encode(request.getPrompt()))
                        : encode(() -> model.encodeChat(request.getMessages()));
        require(prompt.length > 0, "the prompt has no tokens; give at least one");
        return prompt;
    }

    private interface Encoding {
        int[] run();
    }

    private static int[] encode(Encoding encoding) throws Refusal {
        try {
            return encoding.run();
        } catch (IllegalArgumentException e) {
            throw new Refusal(ErrorReason.INVALID_REQUEST, "the prompt cannot be tokenized: " + e.getMessage());
        }
    }

    private static int[] checkedIds(List<Integer> ids, int vocabulary) throws Refusal {
        int[] prompt = new int[ids.size()];
        for (int i = 0; i < prompt.length; i++) {
            prompt[i] = ids.get(i);
            require(
                    prompt[i] >= 0 && prompt[i] < vocabulary,
                    "prompt_token_ids[" + i + "] is " + prompt[i] + " and must be in the vocabulary, [0, " + vocabulary
                            + ")");
        }
        return prompt;
    }

    private static void require(boolean holds, String message) throws Refusal {
        if (!holds) {
            throw new Refusal(ErrorReason.INVALID_REQUEST, message);
        }
    }

    private static String shown(String text) {
        return text == null || text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "…";
    }
}
