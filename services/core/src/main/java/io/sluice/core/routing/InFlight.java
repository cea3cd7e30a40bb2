package io.sluice.core.routing;

import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.planning.Allocation;
import java.util.HashMap;
import java.util.Map;

/**
 * Tokens of the sessions that run, by worker and by edge of the worker graph. A session counts on every worker and edge of
 * its pipeline from its start to its end, so a slow pipeline holds more. Not thread-safe.
 */
public final class InFlight {
    private final Map<String, Long> workers = new HashMap<>();
    private final Map<String, Long> edges = new HashMap<>();

    /** Counts a session that starts with {@code tokens}, at least 1. */
    public void add(Pipeline pipeline, long tokens) {
        if (tokens < 1) {
            throw new IllegalArgumentException("a session of " + tokens + " tokens must have at least 1");
        }
        change(pipeline, tokens);
    }

    /** Takes back what {@link #add} counted for a session. */
    public void remove(Pipeline pipeline, long tokens) {
        change(pipeline, -tokens);
    }

    /** Tokens in flight through the worker. */
    public long worker(String worker) {
        return workers.getOrDefault(worker, 0L);
    }

    /** Tokens in flight over the edge. */
    public long edge(String from, String to) {
        return edges.getOrDefault(from + ">" + to, 0L);
    }

    private void change(Pipeline pipeline, long tokens) {
        String from = Allocation.SOURCE;
        for (Stage stage : pipeline.stages()) {
            String to = stage.worker().value();
            merge(workers, to, tokens);
            merge(edges, from + ">" + to, tokens);
            from = to;
        }
        merge(edges, from + ">" + Allocation.SINK, tokens);
    }

    private static void merge(Map<String, Long> counts, String key, long tokens) {
        long sum = counts.getOrDefault(key, 0L) + tokens;
        if (sum < 0) {
            throw new IllegalStateException("more left " + key + " than had entered; a session was removed twice");
        }
        if (sum == 0) {
            counts.remove(key);
        } else {
            counts.put(key, sum);
        }
    }
}
