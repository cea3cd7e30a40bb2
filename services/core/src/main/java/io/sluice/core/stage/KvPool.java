package io.sluice.core.stage;

import io.sluice.core.LayerRange;
import java.util.Optional;

/**
 * The KV cache of one worker.
 *
 * @param <K> what one session has of it
 */
public interface KvPool<K> {
    /** Tokens that there is room for over these layers when nothing else is there. */
    long capacityTokens(LayerRange layers);

    /** Most positions that a session can ever have. */
    int mostPositions();

    /**
     * Room for a session; empty when there is none now.
     *
     * @throws IllegalArgumentException when there can never be any; the message says why
     */
    Optional<K> reserve(int tokens, LayerRange layers);

    /** As {@link #reserve}, for a best-effort session, which a worker may compute elsewhere than others. */
    default Optional<K> reserveBestEffort(int tokens, LayerRange layers) {
        return reserve(tokens, layers);
    }

    void release(K slot);

    /** Forgets positions from this one on. */
    void truncate(K slot, int positions);

    LayerRange layers(K slot);

    /** Positions computed. */
    int length(K slot);

    /** Positions that there is room for. */
    int roomFor(K slot);
}
