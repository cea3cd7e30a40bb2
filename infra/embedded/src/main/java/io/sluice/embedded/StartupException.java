package io.sluice.embedded;

/** Something could not be started; the message names the value and the remedy in one sentence for the user. */
public final class StartupException extends RuntimeException {
    public StartupException(String message) {
        super(message);
    }

    public StartupException(String message, Throwable cause) {
        super(message, cause);
    }
}
