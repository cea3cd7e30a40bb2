package io.sluice.core.sharing;

/** Names who best-effort work belongs to: 1 to 128 characters, none of them white space at the ends. Immutable. */
public record TenantId(String value) implements Comparable<TenantId> {
    public TenantId {
        if (value == null || value.isBlank() || value.length() > 128 || !value.equals(value.strip())) {
            throw new IllegalArgumentException(
                    "tenant '" + value + "' must be 1 to 128 characters without white space at its ends");
        }
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
