package io.sluice.schemas;

/** The registry answered and does not know a schema id: the record was written against another registry. */
public final class UnknownSchemaException extends RuntimeException {
    private final int id;

    public UnknownSchemaException(int id, String message) {
        super(message);
        this.id = id;
    }

    /** The id nobody knows. */
    public int id() {
        return id;
    }
}
