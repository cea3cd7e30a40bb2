package io.sluice.runtime;

/**
 * A model's files are missing, damaged or not supported; the message is one line that names the file and the remedy.
 */
public final class ModelFormatException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ModelFormatException(String message) {
        super(message);
    }

    public ModelFormatException(String message, Throwable cause) {
        super(message, cause);
    }
}
