package io.sluice.simtest;

import java.util.Locale;

/** One part of the loop, deliberately broken, to prove that its failure would be noticed. */
public enum Mutation {
    /** Nothing is broken. */
    NONE,
    /** Stages and router take whatever comes, of whichever attempt. */
    NO_FENCING,
    /** The router forgets part of the offsets at which the inputs of the newest tokens lie. */
    LOST_OFFSET_INDEX,
    /** The router publishes completions outside its transaction. */
    DOUBLE_PUBLISH,
    /** The router takes up every allocation that arrives, however old. */
    STALE_EPOCH,
    /** A stage that is told to drop a session forgets to free its KV cache. */
    KV_LEAK,
    /** A stage goes on with best-effort work when its limits have ended. */
    STALE_LIMITS,
    /** The router forgets the objectives of a session that gets another attempt. */
    LOST_OBJECTIVES;

    /** Reads {@code no-fencing}, {@code lost-offset-index} and so on. */
    public static Mutation parse(String text) {
        for (Mutation mutation : values()) {
            if (mutation.toString().equals(text)) {
                return mutation;
            }
        }
        throw new IllegalArgumentException("mutation '" + text
                + "' must be none, no-fencing, lost-offset-index, double-publish, stale-epoch, kv-leak,"
                + " stale-limits or lost-objectives");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
