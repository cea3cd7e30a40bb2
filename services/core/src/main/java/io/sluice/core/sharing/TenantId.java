package io.sluice.core.sharing;

/** Names who best-effort work belongs to: 1 to 128 characters, none of them white space at the ends. Immutable. */
public record TenantId(String value) implements Comparable<TenantId> {
    /** What a name must be. */
    public static final String RULE = "1 to 128 characters without white space at its ends";

    public TenantId {
        if (!isValid(value)) {
            throw new IllegalArgumentException("tenant '" + value + "' must be " + RULE);
        }
    }

    /** Whether a tenant may have this name. */
    public static boolean isValid(String value) {
        return value != null && !value.isBlank() && value.length() <= 128 && value.equals(value.strip());
    }

    @Override
    public int compareTo(TenantId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
