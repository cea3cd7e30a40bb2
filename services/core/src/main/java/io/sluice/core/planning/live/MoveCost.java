package io.sluice.core.planning.live;

import java.util.List;

/**
 * What a move costs: the tokens that are not served because of it. Pure and immutable.
 *
 * <p>A worker that serves loses, at the rate of what passes it, the time it loads; then the part of its KV cache that
 * belongs to layers it gives up, which no new session can use until the old ones have ended; all of its cache where old
 * and new layers do not fit side by side, because it loads only when its sessions have ended. No session is killed:
 * where they last longer than they are waited for, they have to move, and every token in their cache is computed once
 * more. A spare costs nothing but its time.
 *
 * @param workers that move
 * @param loadSeconds of loading, all workers together
 * @param sessions that have to move
 * @param lostTokens not served because of the move
 */
public record MoveCost(int workers, double loadSeconds, double sessions, double lostTokens) {

    /**
     * One worker that changes its layers.
     *
     * @param held layers that it serves; 0: a spare
     * @param loads layers that it does not serve yet
     * @param givesUp layers that it serves and will not any more
     * @param roomForBoth whether what it serves and what it will serve fit side by side
     * @param tokensPerSecond that pass it
     * @param kvTokens room of its KV cache
     */
    public record Mover(
            int held, int loads, int givesUp, boolean roomForBoth, double tokensPerSecond, double kvTokens) {}

    /**
     * What the cost is counted with.
     *
     * @param layerLoadSeconds to load one layer
     * @param sessionSeconds that a session lasts
     * @param mostWaitSeconds for which the end of sessions is waited for
     * @param sessionTokens tokens of a session
     */
    public record Basis(double layerLoadSeconds, double sessionSeconds, double mostWaitSeconds, double sessionTokens) {}

    /** The cost of moving {@code movers}. */
    public static MoveCost of(List<Mover> movers, Basis basis) {
        double load = 0;
        double sessions = 0;
        double lost = 0;
        for (Mover m : movers) {
            double loading = m.loads() * basis.layerLoadSeconds();
            load += loading;
            if (m.held() == 0) {
                continue;
            }
            double unusable = m.roomForBoth() ? (double) m.givesUp() / m.held() : 1;
            double waiting = unusable * Math.min(basis.sessionSeconds(), basis.mostWaitSeconds());
            lost += m.tokensPerSecond() * (loading + waiting);
            if (!m.roomForBoth() && basis.sessionSeconds() > basis.mostWaitSeconds()) {
                // Little's law: what passes in the life of a session is what is cached.
                double cached = Math.min(m.kvTokens(), m.tokensPerSecond() * basis.sessionSeconds());
                sessions += cached / basis.sessionTokens();
                lost += cached;
            }
        }
        return new MoveCost(movers.size(), load, sessions, lost);
    }

    /** Seconds until a gain of so many tokens/s has brought in what was lost; infinite without gain. */
    public double payBackSeconds(double gainTokensPerSecond) {
        if (lostTokens <= 0) {
            return 0;
        }
        return gainTokensPerSecond > 0 ? lostTokens / gainTokensPerSecond : Double.POSITIVE_INFINITY;
    }
}
