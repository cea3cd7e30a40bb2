package io.sluice.router;

import io.sluice.records.ChatMessage;
import java.util.List;

/** What the router must know of a model: how text becomes token ids, and its limits. Thread-safe. */
public interface ServedModel {

    /** Token ids of a plain text. */
    int[] encode(String text);

    /**
     * Token ids of a conversation, ending where the assistant's next turn begins.
     *
     * @throws IllegalArgumentException when the model cannot write such a conversation; the message is for its client
     */
    int[] encodeChat(List<ChatMessage> messages);

    /** Most positions of a sequence, prompt and output together; tokens. */
    int contextLength();

    /** Valid token ids are {@code [0, vocabSize)}. */
    int vocabSize();
}
