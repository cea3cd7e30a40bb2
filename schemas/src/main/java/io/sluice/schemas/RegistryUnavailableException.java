package io.sluice.schemas;

/**
 * The schema registry does not answer, or answers with a failure of its own; names its URL. Nothing was lost: retry.
 */
public final class RegistryUnavailableException extends RuntimeException {
    public RegistryUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
