package io.sluice.runtime.text;

import java.util.List;

/** A model's own way to write a conversation as one text. Thread-safe. */
public interface ChatTemplate {

    /** One turn; {@code role} is usually system, user or assistant. */
    record Message(String role, String content) {
        public Message {
            if (role == null || role.isBlank() || content == null) {
                throw new IllegalArgumentException("a chat message needs a role and content, got role '" + role + "'");
            }
        }
    }

    /**
     * Renders the conversation; encode the result with {@link Tokenizer#encodeRendered}.
     *
     * @param addGenerationPrompt whether to end with the beginning of the assistant's next turn
     * @throws ChatTemplateException when the template refuses the messages, is broken or writes too much
     */
    String render(List<Message> messages, boolean addGenerationPrompt);
}
