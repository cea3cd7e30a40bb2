package io.sluice.core;

import java.util.regex.Pattern;

/** Names a session, that is one request's life and its KV cache; equal to the request id. Immutable. */
public record SessionId(String value) implements Comparable<SessionId> {
    private static final Pattern VALID = Pattern.compile("[A-Za-z0-9._-]{1,128}");

    public SessionId {
        if (value == null || !VALID.matcher(value).matches()) {
            throw new IllegalArgumentException(
                    "request id '" + value + "' must be 1 to 128 characters of [A-Za-z0-9._-]");
        }
    }

    @Override
    public int compareTo(SessionId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
