package io.sluice.schemas;

/** How a topic forgets; the value of Kafka's {@code cleanup.policy}. */
public enum Cleanup {
    /** Old segments go after the retention time. */
    DELETE("delete"),
    /** The newest record of each key stays for ever. */
    COMPACT("compact"),
    /** The newest record of each key stays for the retention time. */
    COMPACT_DELETE("compact,delete");

    private final String policy;

    Cleanup(String policy) {
        this.policy = policy;
    }

    /** The value of {@code cleanup.policy}. */
    public String policy() {
        return policy;
    }
}
