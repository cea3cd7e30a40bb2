package io.sluice.batch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.records.Completion;
import io.sluice.records.FinishReason;

/** Writes results in the shape of a line of an OpenAI batch output file. Stateless. */
final class ResultLine {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int OK = 200;

    private ResultLine() {}

    /** The result of an item that was completed. */
    static String completed(ItemId item, BatchLine line, Completion completion) {
        ObjectNode root = root(item, line.customId());
        ObjectNode response = root.putObject("response");
        response.put("status_code", OK);
        response.put("request_id", item.requestId());
        ObjectNode body = response.putObject("body");
        body.put("id", (line.isChat() ? "chatcmpl-" : "cmpl-") + item.requestId());
        body.put("object", line.isChat() ? "chat.completion" : "text_completion");
        body.put("created", completion.getFinishedMs() / 1000);
        body.put("model", completion.getModel());
        ObjectNode choice = body.putArray("choices").addObject();
        choice.put("index", 0);
        if (line.isChat()) {
            choice.putObject("message").put("role", "assistant").put("content", completion.getText());
        } else {
            choice.put("text", completion.getText());
        }
        choice.putNull("logprobs");
        choice.put("finish_reason", completion.getFinishReason() == FinishReason.LENGTH ? "length" : "stop");
        ObjectNode usage = body.putObject("usage");
        usage.put("prompt_tokens", completion.getPromptTokens());
        usage.put("completion_tokens", completion.getCompletionTokens());
        usage.put("total_tokens", completion.getPromptTokens() + completion.getCompletionTokens());
        root.putNull("error");
        return text(root);
    }

    /**
     * The result of an item that was not completed.
     *
     * @param customId null where the line has none
     * @param code one word, lower case
     */
    static String failed(ItemId item, String customId, String code, String message) {
        ObjectNode root = root(item, customId);
        root.putNull("response");
        root.putObject("error").put("code", code).put("message", message);
        return text(root);
    }

    private static ObjectNode root(ItemId item, String customId) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.put("id", "batch_req_" + item.requestId());
        root.put("custom_id", customId);
        return root;
    }

    private static String text(ObjectNode root) {
        try {
            return JSON.writeValueAsString(root);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree must be writable", e);
        }
    }
}
