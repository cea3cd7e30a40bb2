package io.sluice.messaging;

/** The broker does not answer or refuses an administrative request; names its address and the remedy. */
public final class BrokerUnavailableException extends RuntimeException {
    public BrokerUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
