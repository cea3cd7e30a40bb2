package io.sluice.core;

import java.util.regex.Pattern;

/** Names a worker; also a part of its activation topic's name, hence the narrow alphabet. Immutable. */
public record WorkerId(String value) implements Comparable<WorkerId> {
    private static final Pattern VALID = Pattern.compile("[a-z0-9][a-z0-9-]{0,63}");

    public WorkerId {
        if (value == null || !VALID.matcher(value).matches()) {
            throw new IllegalArgumentException("worker id '" + value
                    + "' must be 1 to 64 characters of [a-z0-9-] and start with a letter or digit");
        }
    }

    @Override
    public int compareTo(WorkerId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
