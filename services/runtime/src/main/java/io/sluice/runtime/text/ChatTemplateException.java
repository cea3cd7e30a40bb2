package io.sluice.runtime.text;

/** A chat template could not be rendered; the message says why in one line. */
public final class ChatTemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ChatTemplateException(String message) {
        super(message);
    }
}
