package io.sluice.launcher.chaos;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What became of the requests. Immutable.
 *
 * @param accepted requests that the broker took and nobody refused: they got a pipeline, or waited for one
 * @param completed of these, with a completion
 * @param refused ended in an error without ever having had a pipeline, as when the queue is full or the deadline passes
 * @param failed accepted and ended in an error: allowed, once each, and told to the client
 * @param lost neither completed nor failed after the quiet period
 * @param duplicated with more than one completion or error, or with a token that came twice and differs
 * @param stuck sessions still open after the quiet period
 * @param wrong completions that differ from the undisturbed run, or from what a reader of the tokens saw
 * @param stale token records that a reader drops: of lower attempts, or repeated
 * @param recoveries attempts after the first, by how they went on
 * @param notes one line for each request that was not completed in order
 */
record Verdict(
        int accepted,
        int completed,
        int refused,
        int failed,
        int lost,
        int duplicated,
        int stuck,
        int wrong,
        int stale,
        Map<String, Integer> recoveries,
        List<String> notes) {
    Verdict {
        recoveries = Collections.unmodifiableMap(new TreeMap<>(recoveries));
        notes = List.copyOf(notes);
    }

    /** Whether every promise was kept. */
    boolean holds() {
        return lost + duplicated + stuck + wrong == 0;
    }

    /** A verdict in the making. */
    static final class Count {
        int accepted;
        int completed;
        int refused;
        int failed;
        int lost;
        int duplicated;
        int stuck;
        int wrong;
        int stale;
        final Map<String, Integer> recoveries = new TreeMap<>();
        private final List<String> notes = new ArrayList<>();

        void note(String request, String what) {
            notes.add(request + " " + what);
        }

        Verdict verdict() {
            return new Verdict(
                    accepted, completed, refused, failed, lost, duplicated, stuck, wrong, stale, recoveries, notes);
        }
    }
}
