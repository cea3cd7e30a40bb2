package io.sluice.core.planning.live;

import java.util.ArrayList;
import java.util.List;

/**
 * The situation that was last searched. Immutable.
 *
 * @param workers fingerprint of the workers and what they serve
 * @param layerSpeeds of one layer on each, tokens/s
 * @param decodeShare share of decode tokens
 * @param atMillis when
 */
public record Searched(String workers, List<Double> layerSpeeds, double decodeShare, long atMillis) {
    /** None yet. */
    public static final Searched NONE = new Searched("", List.of(), 0, 0);

    public Searched {
        layerSpeeds = List.copyOf(layerSpeeds);
    }

    static Searched of(LiveCluster cluster, long atMillis) {
        List<Double> speeds = new ArrayList<>();
        for (int node = 0; node < cluster.problem().nodes(); node++) {
            speeds.add(cluster.problem().capacity(node, 1));
        }
        return new Searched(
                cluster.fingerprint(), speeds, cluster.problem().workload().decodeShare(), atMillis);
    }

    /** Whether a search of {@code other} would be one of the same: same workers, speeds and demand within {@code drift}. */
    boolean like(Searched other, double drift) {
        if (!workers.equals(other.workers)
                || layerSpeeds.size() != other.layerSpeeds.size()
                || Math.abs(decodeShare - other.decodeShare) > drift) {
            return false;
        }
        for (int i = 0; i < layerSpeeds.size(); i++) {
            double a = layerSpeeds.get(i);
            double b = other.layerSpeeds.get(i);
            if (Math.abs(a - b) > drift * Math.max(a, b)) {
                return false;
            }
        }
        return true;
    }
}
