package io.sluice.launcher.bench.recovery;

import java.util.Locale;

/** What happens to a generation when a stage is lost. */
public enum Way {
    /**
     * Only the lost stage computes again, from the logged inputs, what came after the prompt as the steps it was, so that
     * every bit is the same; the others keep their KV cache. What workers do unless told otherwise.
     */
    SLUICE("Sluice"),
    /** The same with everything as a prompt, as workers do under {@code --rebuild prefill}; equal but for rounding. */
    PREFILL("Sluice, rebuild prefill"),
    /** The generation begins again. */
    RESTART("restart from scratch"),
    /** The prompt and the tokens so far run through all stages again, many positions at once. */
    RECOMPUTE("recompute all");

    private final String words;

    Way(String words) {
        this.words = words;
    }

    /** Name for people. */
    public String words() {
        return words;
    }

    /** Name in reports. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether what passes between stages is kept for a rebuild, and where it lies. */
    boolean keepsLog() {
        return this == SLUICE || this == PREFILL;
    }

    /** Whether positions after the prompt are computed again as decode steps. */
    boolean exact() {
        return this == SLUICE;
    }

    /** Whether what it computes again has the same bits as the first time. */
    public boolean sameBits() {
        return this == SLUICE || this == RESTART;
    }
}
