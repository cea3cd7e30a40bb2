package io.sluice.launcher;

/** The user can put this right; the message is one line that names the value and the remedy. Exit status 1. */
public final class UserException extends RuntimeException {
    public UserException(String message) {
        super(message);
    }

    public UserException(String message, Throwable cause) {
        super(message, cause);
    }
}
