package io.sluice.batch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.records.ChatMessage;
import io.sluice.records.InferenceRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A line of a job, in the shape of a line of an OpenAI batch input file: {@code custom_id}, {@code method}, {@code url},
 * {@code body}. What a line does not say has the defaults of a request, so that without a temperature it is greedy; without
 * a seed it is the item's index, so that equal prompts of a job are sampled differently and a repetition is not. Fields
 * that are not known are passed over. Immutable.
 */
final class BatchLine {
    static final String COMPLETIONS = "/v1/completions";
    static final String CHAT_COMPLETIONS = "/v1/chat/completions";

    private static final int SHOWN_CHARS = 60;
    private static final int CUSTOM_ID_CHARS_MAX = 512;
    private static final int CHARS_PER_TOKEN = 4;
    private static final int MAX_TOKENS =
            (Integer) InferenceRequest.getClassSchema().getField("max_tokens").defaultVal();
    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

    /** Why a line cannot be a request. */
    static final class Problem extends Exception {
        private static final long serialVersionUID = 1L;

        Problem(String message) {
            super(message);
        }
    }

    private final String customId;
    private final boolean chat;
    private final String model;
    private final JsonNode body;
    private final int promptChars;

    private BatchLine(String customId, boolean chat, String model, JsonNode body, int promptChars) {
        this.customId = customId;
        this.chat = chat;
        this.model = model;
        this.body = body;
        this.promptChars = promptChars;
    }

    /**
     * Reads a line.
     *
     * @param model of lines that name none; empty: every line must
     * @throws Problem with one sentence: what is wrong, with the value, and what would be right
     */
    static BatchLine parse(String line, String model) throws Problem {
        JsonNode root = object(line);
        JsonNode id = root.path("custom_id");
        if (!id.isTextual() || id.textValue().isEmpty() || id.textValue().length() > CUSTOM_ID_CHARS_MAX) {
            throw new Problem("custom_id is " + shown(id) + ": it must be a string of 1 to " + CUSTOM_ID_CHARS_MAX
                    + " characters");
        }
        JsonNode method = root.path("method");
        if (!method.isMissingNode() && !"POST".equals(method.textValue())) {
            throw new Problem("method is " + shown(method) + ": it must be \"POST\"");
        }
        String url = root.path("url").asText("");
        if (!url.equals(COMPLETIONS) && !url.equals(CHAT_COMPLETIONS)) {
            throw new Problem("url is " + shown(root.path("url")) + ": it must be \"" + COMPLETIONS + "\" or \""
                    + CHAT_COMPLETIONS + "\"");
        }
        JsonNode body = root.path("body");
        if (!body.isObject()) {
            throw new Problem("body is " + shown(body) + ": it must be an object");
        }
        boolean chat = url.equals(CHAT_COMPLETIONS);
        BatchLine parsed = new BatchLine(id.textValue(), chat, model(body, model), body, promptChars(body, chat));
        parsed.request("check").build();
        return parsed;
    }

    /** The custom id of a line that may be wrong; empty when it has none that can be read. */
    static Optional<String> customId(String line) {
        try {
            return Optional.ofNullable(object(line).path("custom_id").textValue())
                    .map(id -> id.substring(0, Math.min(id.length(), CUSTOM_ID_CHARS_MAX)));
        } catch (Problem e) {
            return Optional.empty();
        }
    }

    private static JsonNode object(String line) throws Problem {
        try {
            JsonNode root = JSON.readTree(line);
            if (root == null || !root.isObject()) {
                throw new Problem(
                        "the line is " + (root == null ? "empty" : shown(root)) + ": it must be a JSON object");
            }
            return root;
        } catch (JsonProcessingException e) {
            throw new Problem("the line is no JSON: " + e.getOriginalMessage());
        }
    }

    private static String model(JsonNode body, String fallback) throws Problem {
        JsonNode model = body.path("model");
        if (model.isMissingNode() && !fallback.isEmpty()) {
            return fallback;
        }
        if (!model.isTextual() || model.textValue().isEmpty()) {
            throw new Problem("model is " + shown(model) + ": name a served model in the body, or for the whole job");
        }
        return model.textValue();
    }

    private static int promptChars(JsonNode body, boolean chat) throws Problem {
        if (!chat) {
            JsonNode prompt = body.path("prompt");
            if (prompt.isTextual()) {
                return prompt.textValue().length();
            }
            if (prompt.isArray() && !prompt.isEmpty()) {
                for (JsonNode token : prompt) {
                    require(token.isInt(), "prompt has the element " + shown(token) + ": a list must be of token ids");
                }
                return prompt.size() * CHARS_PER_TOKEN;
            }
            throw new Problem("prompt is " + shown(prompt) + ": it must be a string or a list of token ids");
        }
        JsonNode messages = body.path("messages");
        require(
                messages.isArray() && !messages.isEmpty(),
                "messages is " + shown(messages) + ": it must be a list of at least one message");
        int chars = 0;
        for (ChatMessage message : messages(messages)) {
            chars += message.getContent().length();
        }
        return chars;
    }

    private static List<ChatMessage> messages(JsonNode messages) throws Problem {
        List<ChatMessage> turns = new ArrayList<>();
        for (JsonNode message : messages) {
            JsonNode role = message.path("role");
            require(role.isTextual(), "role is " + shown(role) + ": it must be system, user or assistant");
            turns.add(new ChatMessage(role.textValue(), content(message.path("content"))));
        }
        return turns;
    }

    private static String content(JsonNode content) throws Problem {
        if (content.isTextual()) {
            return content.textValue();
        }
        StringBuilder text = new StringBuilder();
        for (JsonNode part : content) {
            require(
                    "text".equals(part.path("type").textValue())
                            && part.path("text").isTextual(),
                    "content has the part " + shown(part) + ": only text parts are served");
            text.append(part.path("text").textValue());
        }
        require(content.isArray(), "content is " + shown(content) + ": it must be a string or a list of text parts");
        return text.toString();
    }

    String customId() {
        return customId;
    }

    boolean isChat() {
        return chat;
    }

    /** What the item is expected to take, tokens: its prompt, by its characters, and all that it may generate. */
    double expectedTokens() {
        int most = MAX_TOKENS;
        for (String name : List.of("max_tokens", "max_completion_tokens")) {
            most = body.path(name).asInt(most);
        }
        return (double) most + promptChars / CHARS_PER_TOKEN + 1;
    }

    /**
     * The request of the line, without class, tenant, weight and time.
     *
     * @throws Problem when a value has the wrong type
     */
    InferenceRequest.Builder request(String id) throws Problem {
        InferenceRequest.Builder request =
                InferenceRequest.newBuilder().setRequestId(id).setModel(model);
        if (chat) {
            request.setMessages(messages(body.path("messages")));
        } else if (body.path("prompt").isTextual()) {
            request.setPrompt(body.path("prompt").textValue());
        } else {
            List<Integer> ids = new ArrayList<>();
            body.path("prompt").forEach(token -> ids.add(token.intValue()));
            request.setPromptTokenIds(ids);
        }
        require(body.path("n").asInt(1) == 1, "n is " + shown(body.path("n")) + ": one choice is served, leave it out");
        require(!body.path("stream").asBoolean(false), "stream is true: a batch has no streams, leave it out");
        for (String name : List.of("max_tokens", "max_completion_tokens")) {
            if (given(name)) {
                request.setMaxTokens(integer(name).intValue());
            }
        }
        if (given("temperature")) {
            request.setTemperature(number("temperature"));
        }
        if (given("top_p")) {
            request.setTopP(number("top_p"));
        }
        if (given("top_k")) {
            request.setTopK(integer("top_k").intValue());
        }
        if (given("seed")) {
            JsonNode seed = body.path("seed");
            require(seed.isIntegralNumber() && seed.canConvertToLong(), "seed is " + shown(seed) + wants("an integer"));
            request.setSeed(seed.longValue());
        }
        if (given("ignore_eos")) {
            JsonNode ignore = body.path("ignore_eos");
            require(ignore.isBoolean(), "ignore_eos is " + shown(ignore) + wants("true or false"));
            request.setIgnoreEos(ignore.booleanValue());
        }
        return request;
    }

    /** Whether the line has a seed of its own. */
    boolean hasSeed() {
        return given("seed");
    }

    private boolean given(String name) {
        return body.hasNonNull(name);
    }

    private JsonNode integer(String name) throws Problem {
        JsonNode value = body.path(name);
        require(value.isInt(), name + " is " + shown(value) + wants("an integer"));
        return value;
    }

    private float number(String name) throws Problem {
        JsonNode value = body.path(name);
        require(value.isNumber(), name + " is " + shown(value) + wants("a number"));
        return value.floatValue();
    }

    private static String wants(String what) {
        return ": it must be " + what;
    }

    private static void require(boolean holds, String message) throws Problem {
        if (!holds) {
            throw new Problem(message);
        }
    }

    private static String shown(JsonNode node) {
        String text = node.isMissingNode() ? "missing" : node.toString();
        return text.length() <= SHOWN_CHARS ? text : text.substring(0, SHOWN_CHARS) + "…";
    }
}
