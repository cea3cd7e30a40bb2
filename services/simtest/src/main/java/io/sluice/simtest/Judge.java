package io.sluice.simtest;

import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.AllocationVerifier;
import io.sluice.core.recovery.LogRange;
import io.sluice.core.slo.StageBudget;
import io.sluice.core.stage.LogPicker;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Knows what must hold and watches from outside: what clients see, what is published, what workers compute and hold. It
 * shares nothing with the loop but the records, and the first thing wrong is what is reported.
 */
final class Judge {
    /**
     * Something that must not be.
     *
     * @param session that it is about; empty when about none
     */
    record Finding(long step, String invariant, String detail, String session) {}

    /**
     * What one process knows of a session. Two processes of one name may have started in the same millisecond, so that
     * name and incarnation do not tell them apart.
     */
    private record Memory(SimWorker worker, int life, SessionId session) {}

    /** One process, told from others of its name. */
    private record Life(SimWorker worker, int number) {}

    /** What a process may do of best-effort work, as far as can be said from outside. */
    private record Permission(boolean any, long untilMicros) {}

    /** What is known of one request. */
    private static final class Case {
        private final int[] reference;
        private boolean accepted;
        private int completions;
        private int failures;
        private int submissions;
        private int seen;
        private Wire.Request request;
        private int readAttempt;
        private int attempt;
        private Pipeline pipeline;

        private Case(int[] reference) {
            this.reference = reference;
        }
    }

    private final World world;
    private final Map<SessionId, Case> cases = new LinkedHashMap<>();
    private final Map<Memory, Integer> newestSeen = new HashMap<>();
    private final Map<Life, Permission> permissions = new HashMap<>();
    private Finding finding;
    private final Map<String, Long> failures = new TreeMap<>();
    private final Set<SessionId> probes = new HashSet<>();
    private long open;
    private long completed;
    private long failed;
    private long refused;
    /** By router. */
    private final Map<String, Long> newestEpochs = new HashMap<>();

    Judge(World world) {
        this.world = world;
    }

    Finding finding() {
        return finding;
    }

    /** Requests that have neither a completion nor an error. */
    long open() {
        return open;
    }

    long requests() {
        return cases.size();
    }

    long completed() {
        return completed;
    }

    long failed() {
        return failed;
    }

    long refused() {
        return refused;
    }

    /** Errors by reason. */
    Map<String, Long> failures() {
        return failures;
    }

    /** Says what is wrong; only the first one counts. */
    void violation(String invariant, SessionId session, String detail) {
        if (finding == null) {
            finding = new Finding(world.steps(), invariant, detail, session == null ? "" : session.value());
        }
    }

    // What clients do and see

    void submitted(Wire.Request request, int[] reference) {
        Case known = cases.computeIfAbsent(request.id(), id -> new Case(reference));
        known.submissions++;
        known.request = request;
        open++;
    }

    /** The request comes when nothing is broken any more. */
    void mustComplete(SessionId request) {
        probes.add(request);
    }

    /** A reader that drops lower attempts, repetitions and what comes before its turn. */
    void read(Wire.Token token) {
        Case known = cases.get(token.session());
        if (token.attempt() < known.readAttempt || token.index() != known.seen) {
            return;
        }
        known.readAttempt = token.attempt();
        if (known.seen >= known.reference.length) {
            violation("2 one sequence", token.session(), "token " + token.index() + " comes after the last one");
        } else if (known.reference[known.seen] != token.id()) {
            violation(
                    "2 one sequence",
                    token.session(),
                    "the reader sees token " + token.id() + " at index " + token.index() + " of attempt "
                            + token.attempt() + ", a single machine produces " + known.reference[known.seen]);
        } else if (token.last() != (known.seen + 1 == known.reference.length)) {
            violation("2 one sequence", token.session(), "token " + token.index() + " ends the sequence wrongly");
        }
        known.seen++;
    }

    void completed(Wire.Completion completion) {
        Case known = cases.get(completion.session());
        known.completions++;
        completed++;
        ended(completion.session(), known);
        if (!java.util.Arrays.equals(completion.tokens(), known.reference)) {
            violation(
                    "completion equals the reference",
                    completion.session(),
                    "completion has " + completion.tokens().length + " tokens, the reference "
                            + known.reference.length + ", first difference at "
                            + java.util.Arrays.mismatch(completion.tokens(), known.reference));
        }
    }

    void failed(Wire.Failure failure) {
        Case known = cases.get(failure.session());
        known.failures++;
        failures.merge(failure.reason(), 1L, Long::sum);
        if (probes.contains(failure.session())) {
            violation(
                    "healthy again",
                    failure.session(),
                    "a request that came long after the last fault failed: " + failure.reason());
        }
        if (failure.refused()) {
            refused++;
        } else {
            failed++;
        }
        ended(failure.session(), known);
    }

    /** Every record of a request ends once; one that is sent again is refused, unless the first one had failed. */
    private void ended(SessionId session, Case known) {
        open--;
        if (known.completions > 1 || known.completions + known.failures > known.submissions) {
            violation(
                    "1 one end",
                    session,
                    known.completions + " completions and " + known.failures + " errors of a request that was sent "
                            + known.submissions + " times");
        }
    }

    // What the router publishes

    void assigned(Wire.Session session) {
        Case known = cases.get(session.session());
        if (session.attempt() <= known.attempt) {
            violation(
                    "attempts increase",
                    session.session(),
                    "attempt " + session.attempt() + " is published after " + known.attempt);
        }
        known.attempt = session.attempt();
        known.pipeline = session.pipeline();
    }

    void published(Allocation allocation) {
        List<String> wrong = AllocationVerifier.verify(allocation);
        if (!wrong.isEmpty()) {
            violation("4 sound allocations", null, "epoch " + allocation.epoch() + ": " + wrong.getFirst());
        }
    }

    /** A router has seen an allocation arrive. */
    void arrived(String router, long epoch) {
        newestEpochs.merge(router, epoch, Math::max);
    }

    /** A router gives a session a pipeline of this epoch. */
    void routed(SessionId session, long epoch, String router) {
        long newestEpoch = newestEpochs.getOrDefault(router, 0L);
        if (epoch < newestEpoch) {
            violation(
                    "5 newest epoch",
                    session,
                    "pipeline of epoch " + epoch + ", but epoch " + newestEpoch + " had arrived before");
        }
    }

    /** A router starts again and reads allocations anew. */
    void routerStarted(String router) {
        newestEpochs.remove(router);
    }

    // What workers do

    /** A worker has taken up an attempt of a session. */
    void seen(SimWorker worker, SessionId session, int attempt) {
        newestSeen.merge(new Memory(worker, worker.life(), session), attempt, Math::max);
    }

    /** A stage reads a set-up: whatever became of the session, its objectives are divided among the stages it has now. */
    void setUp(SessionId session, Wire.Setup setup) {
        Wire.Request request = cases.get(session).request;
        boolean divided = !request.slo().isNone() && request.serviceClass() == ServiceClass.LATENCY_CRITICAL;
        long ttft = 0;
        long tpot = 0;
        for (StageBudget budget : setup.budgets()) {
            ttft += budget.ttftMicros();
            tpot += budget.tpotMicros();
        }
        boolean begun = setup.resume() != null;
        boolean whole = divided
                && setup.budgets().size() == setup.pipeline().stages().size()
                && tpot > 0
                && tpot <= 1_000 * request.slo().tpotMs().orElse(0)
                && (ttft > 0) != begun
                && ttft <= 1_000 * request.slo().ttftMs().orElse(0);
        if (divided ? !whole : !setup.budgets().isEmpty()) {
            violation(
                    "7 objectives stay",
                    session,
                    "it asks for " + request.slo() + " and has the budgets " + setup.budgets() + " on "
                            + setup.pipeline().stages() + (begun ? " after its first token" : ""));
        }
    }

    /** A worker computes for an attempt. */
    void computes(SimWorker worker, SessionId session, int attempt) {
        int newest = newestSeen.getOrDefault(new Memory(worker, worker.life(), session), 0);
        if (attempt < newest) {
            violation(
                    "3 fencing",
                    session,
                    "worker " + worker.name + " computes for attempt " + attempt + " after it has seen " + newest);
        }
    }

    /** A worker has read limits of its own: whether they allow anything, and the length of their lease. */
    void limited(SimWorker worker, boolean any, long leaseMillis) {
        permissions.put(new Life(worker, worker.life()), new Permission(any, world.nowMicros() + 1_000 * leaseMillis));
    }

    /** A worker begins a batch of best-effort work, at any moment within a lease from when its limits were read. */
    void startsBestEffort(SimWorker worker, SessionId session) {
        Permission given = permissions.get(new Life(worker, worker.life()));
        if (given == null || !given.any() || world.nowMicros() >= given.untilMicros()) {
            violation(
                    "6 fresh limits",
                    session,
                    "worker " + worker.name + " starts best-effort work "
                            + (given == null
                                    ? "before it has read any limits"
                                    : given.any()
                                            ? (world.nowMicros() - given.untilMicros()) + " us after its limits ended"
                                            : "though its limits allow nothing"));
        }
    }

    /** A stage does not find in the log what the router's index says is there. */
    void logGone(LogPicker.Want want, int found) {
        List<LogRange> ranges = want.ranges();
        for (LogRange range : ranges) {
            if (world.activations(range.worker()).isDamaged(range.firstOffset())) {
                return;
            }
        }
        violation(
                "offset index",
                want.session(),
                "the inputs of positions [0, " + want.start() + ") should be in " + ranges + ", which is whole, "
                        + "but only the first " + found + " are");
    }

    /** Requests without an end, for people. */
    List<SessionId> unfinished() {
        List<SessionId> ids = new ArrayList<>();
        cases.forEach((id, known) -> {
            if (known.completions + known.failures < known.submissions) {
                ids.add(id);
            }
        });
        return ids;
    }

    /** Requests that ended in a completion whose tokens the reader has not seen to the end. */
    List<SessionId> unread() {
        List<SessionId> ids = new ArrayList<>();
        cases.forEach((id, known) -> {
            if (known.completions > 0 && known.seen < known.reference.length) {
                ids.add(id);
            }
        });
        return ids;
    }
}
