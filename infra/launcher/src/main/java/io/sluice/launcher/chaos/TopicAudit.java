package io.sluice.launcher.chaos;

import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Completion;
import io.sluice.records.ErrorRecord;
import io.sluice.records.Session;
import io.sluice.records.SessionState;
import io.sluice.records.Token;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.IsolationLevel;

/**
 * What the topics say of a set of requests: how each ended, whether more than once, and what a reader of the tokens saw.
 * Records of other requests are passed over. Records of one request must be added in the order of their topic. Not
 * thread-safe.
 */
final class TopicAudit {
    private static final Duration POLL = Duration.ofMillis(200);

    private final Map<String, Trail> trails = new LinkedHashMap<>();

    /** What was seen of one request. */
    private static final class Trail {
        private final List<Integer> seen = new ArrayList<>();
        private int attempt;
        private int completions;
        private int errors;
        private List<Integer> completed = List.of();
        private String error = "";
        private boolean assigned;
        private boolean open;
        private int differing;
        private int gaps;
        private int stale;
        private final List<String> recoveries = new ArrayList<>();
    }

    /** @param requests ids that the broker has taken */
    TopicAudit(Collection<String> requests) {
        requests.forEach(id -> trails.put(id, new Trail()));
    }

    /** Reads the four topics to their present ends. */
    static TopicAudit read(KafkaSettings settings, SchemaRegistry registry, Collection<String> requests) {
        TopicAudit audit = new TopicAudit(requests);
        all(settings, registry, Topics.SESSIONS, IsolationLevel.READ_COMMITTED, (key, s) -> audit.session(s));
        all(settings, registry, Topics.TOKENS, IsolationLevel.READ_UNCOMMITTED, (key, t) -> audit.token(t));
        all(settings, registry, Topics.COMPLETIONS, IsolationLevel.READ_COMMITTED, (key, c) -> audit.completion(c));
        all(settings, registry, Topics.ERRORS, IsolationLevel.READ_COMMITTED, (key, e) -> audit.error(e));
        return audit;
    }

    private static <T extends SpecificRecord> void all(
            KafkaSettings settings,
            SchemaRegistry registry,
            TopicSpec<T> topic,
            IsolationLevel isolation,
            BiConsumer<String, T> take) {
        try (TopicTail<T> tail = TopicTail.fromBeginning(settings, registry, topic, isolation)) {
            while (!tail.atEnd()) {
                tail.poll(POLL).stream()
                        .filter(record -> record.value() != null)
                        .forEach(record -> take.accept(record.key(), record.value()));
            }
        }
    }

    void session(Session record) {
        Trail trail = trails.get(record.getRequestId());
        if (trail == null) {
            return;
        }
        SessionState state = record.getState();
        trail.open = state == SessionState.ASSIGNED || state == SessionState.REASSIGNED;
        trail.assigned |= trail.open;
        if (state == SessionState.REASSIGNED) {
            trail.recoveries.add(mode(record.getReason()));
        }
    }

    /** In a word, how a session went on, by the router's sentence. */
    static String mode(String reason) {
        if (reason.contains("starts again from its prompt")) {
            return "from the prompt";
        }
        if (reason.contains("replays ")) {
            return "replayed";
        }
        if (reason.contains(" rebuilds ")) {
            return "rebuilt from the log";
        }
        if (reason.contains("computes all positions again")) {
            return "stage computed again";
        }
        return reason.contains("keeps its KV cache") ? "all kept" : "other";
    }

    /** As a client reads: lower attempts and repeated indices are dropped. */
    void token(Token record) {
        Trail trail = trails.get(record.getRequestId());
        if (trail == null) {
            return;
        }
        if (record.getAttempt() < trail.attempt) {
            trail.stale++;
            return;
        }
        trail.attempt = record.getAttempt();
        int index = record.getIndex();
        if (index < trail.seen.size()) {
            trail.stale++;
            if (trail.seen.get(index) != record.getTokenId()) {
                trail.differing++;
            }
        } else if (index == trail.seen.size()) {
            trail.seen.add(record.getTokenId());
        } else {
            trail.gaps++;
        }
    }

    void completion(Completion record) {
        Trail trail = trails.get(record.getRequestId());
        if (trail != null) {
            trail.completions++;
            trail.completed = List.copyOf(record.getTokenIds());
        }
    }

    void error(ErrorRecord record) {
        Trail trail = record.getRequestId() == null ? null : trails.get(record.getRequestId());
        if (trail != null) {
            trail.errors++;
            trail.error = record.getReason() + ": " + record.getMessage();
        }
    }

    /**
     * The verdict.
     *
     * @param undisturbed tokens that each request must get; requests that are missing here are not compared
     */
    Verdict judge(Map<String, List<Integer>> undisturbed) {
        Verdict.Count count = new Verdict.Count();
        trails.forEach((id, trail) -> {
            boolean refused = !trail.assigned && trail.completions == 0 && trail.errors > 0;
            boolean ended = trail.completions + trail.errors > 0;
            if (refused) {
                count.refused++;
                count.note(id, "refused: " + trail.error);
            } else {
                count.accepted++;
                count.completed += trail.completions > 0 ? 1 : 0;
                if (trail.errors > 0) {
                    count.failed++;
                    count.note(id, "failed: " + trail.error);
                }
            }
            if (!ended) {
                count.lost++;
                count.note(id, "lost: neither a completion nor an error, " + trail.seen.size() + " tokens");
            }
            if (trail.open) {
                count.stuck++;
                count.note(id, "stuck: its session is still open at attempt " + trail.attempt);
            }
            if (trail.completions + trail.errors > 1) {
                count.duplicated++;
                count.note(id, "duplicated: " + trail.completions + " completions, " + trail.errors + " errors");
            } else if (trail.differing > 0) {
                count.duplicated++;
                count.note(id, "duplicated: " + trail.differing + " tokens came twice and differ");
            }
            if (trail.completions > 0) {
                compare(id, trail, undisturbed.get(id), count);
            }
            trail.recoveries.forEach(mode -> count.recoveries.merge(mode, 1, Integer::sum));
            count.stale += trail.stale;
        });
        return count.verdict();
    }

    private static void compare(String id, Trail trail, List<Integer> expected, Verdict.Count count) {
        if (trail.gaps > 0 || !trail.seen.equals(trail.completed)) {
            count.wrong++;
            count.note(
                    id,
                    "wrong: a reader saw " + trail.seen.size() + " tokens with " + trail.gaps
                            + " gaps, the completion has " + trail.completed.size() + " and "
                            + (trail.seen.equals(trail.completed) ? "the same" : "others"));
        } else if (expected != null && !expected.equals(trail.completed)) {
            count.wrong++;
            int from = 0;
            while (from < Math.min(expected.size(), trail.completed.size())
                    && expected.get(from).equals(trail.completed.get(from))) {
                from++;
            }
            count.note(
                    id,
                    "wrong: differs from the undisturbed run from token " + from + " on, attempt " + trail.attempt
                            + ", recoveries " + trail.recoveries);
        }
    }
}
