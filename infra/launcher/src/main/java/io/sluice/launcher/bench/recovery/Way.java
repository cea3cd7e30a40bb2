package io.sluice.launcher.bench.recovery;

/** What happens to a generation when a stage is lost. */
public enum Way {
    /** Only the lost stage computes again, from the logged inputs; the others keep their KV cache. */
    SLUICE("Sluice"),
    /** The generation begins again. */
    RESTART("restart from scratch"),
    /** The prompt and the tokens so far run through all stages again. */
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
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
