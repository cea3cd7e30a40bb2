package io.sluice.schemas;

/** A schema cannot read what is already on its topic; names the subject, the change and the remedy. */
public final class IncompatibleSchemaException extends RuntimeException {
    public IncompatibleSchemaException(String message) {
        super(message);
    }
}
