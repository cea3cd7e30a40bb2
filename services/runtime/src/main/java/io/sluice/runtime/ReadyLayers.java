package io.sluice.runtime;

/**
 * Layers in memory that no runner uses: loaded and not yet taken up, or taken out of use. One owner at a time, which
 * either hands them to {@link ElasticStageRunner#adopt} or closes them; any thread may.
 */
public interface ReadyLayers extends AutoCloseable {
    /** Which layers; none once they have been adopted or closed. */
    HeldLayers layers();

    /** Frees their memory and gives it back to the system. Closing twice, or after they were adopted, does nothing. */
    @Override
    void close();
}
