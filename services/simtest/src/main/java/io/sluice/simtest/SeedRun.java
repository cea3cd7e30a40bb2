package io.sluice.simtest;

import io.sluice.core.SessionId;
import java.util.List;
import java.util.Map;

/**
 * One seed from its first to its last event: a while with faults, then a quiet one in which everything must come to an
 * end. Single-threaded and deterministic: equal arguments, equal results.
 */
public final class SeedRun {
    /** How long everything that was accepted may take to end after the last fault, microseconds of virtual time. */
    private static final long QUIET_MICROS = 90_000_000;
    /** After this everything that was broken is whole again and what hung on it has ended, microseconds. */
    private static final long HEAL_MICROS = 40_000_000;

    private static final int PROBES = 4;
    /** After the last end, so that stages that nobody told anything let go. */
    private static final long SETTLE_MICROS = 25_000_000;

    private final World world;
    private final Cluster cluster;
    private final long seed;

    private SeedRun(long seed, Mutation mutation, String traced) {
        this.seed = seed;
        this.world = new World(seed, mutation, traced);
        this.cluster = new Cluster(world);
    }

    /**
     * What came of a seed.
     *
     * @param steps events taken, those of the quiet period included
     * @param hash of all events: equal for equal runs
     * @param recoveries attempts after the first, by how they went on
     * @param failures errors of accepted requests and refusals, by reason
     * @param violation null when there is none
     */
    public record Result(
            long seed,
            long steps,
            long hash,
            double virtualSeconds,
            Map<FaultKind, Long> faults,
            Map<String, Long> recoveries,
            Map<String, Long> failures,
            long requests,
            long completed,
            long failed,
            long refused,
            Violation violation) {}

    /**
     * A broken invariant.
     *
     * @param lastEvents of the session that it is about, oldest first
     */
    public record Violation(
            long seed, long step, String invariant, String detail, String session, List<String> lastEvents) {}

    /**
     * Runs a seed.
     *
     * @param steps with faults; the quiet period comes on top
     */
    public static Result run(long seed, long steps, Mutation mutation) {
        SeedRun run = new SeedRun(seed, mutation, null);
        Judge.Finding finding = run.all(steps);
        Violation violation = null;
        if (finding != null) {
            // The same again, this time remembering what happens to the session.
            SeedRun again = new SeedRun(seed, mutation, finding.session());
            again.all(steps);
            violation = new Violation(
                    seed,
                    finding.step(),
                    finding.invariant(),
                    finding.detail(),
                    finding.session(),
                    again.world.trace());
        }
        return run.result(violation);
    }

    private Result result(Violation violation) {
        Judge judge = world.judge();
        return new Result(
                seed,
                world.steps(),
                world.hash(),
                world.nowMicros() / 1e6,
                world.faults().counts(),
                world.faults().recoveries(),
                judge.failures(),
                judge.requests(),
                judge.completed(),
                judge.failed(),
                judge.refused(),
                violation);
    }

    private Judge.Finding all(long steps) {
        Judge judge = world.judge();
        try {
            cluster.start();
            world.faults().start(new FaultInjector(world, cluster));
            while (world.steps() < steps && judge.finding() == null) {
                world.step();
            }
            if (judge.finding() == null) {
                quiet();
            }
        } catch (RuntimeException e) {
            judge.violation("no exception", null, describe(e));
        }
        return judge.finding();
    }

    private static String describe(RuntimeException e) {
        StringBuilder text = new StringBuilder(e.toString());
        StackTraceElement[] trace = e.getStackTrace();
        for (int i = 0; i < Math.min(6, trace.length); i++) {
            text.append(" < ")
                    .append(trace[i].getClassName().replaceAll(".*\\.", ""))
                    .append('.')
                    .append(trace[i].getMethodName())
                    .append(':')
                    .append(trace[i].getLineNumber());
        }
        return text.toString();
    }

    private void quiet() {
        Judge judge = world.judge();
        cluster.clients().close();
        world.faults().end();
        run(HEAL_MICROS);
        cluster.clients().probe(PROBES);
        long deadline = world.nowMicros() + QUIET_MICROS;
        while (judge.open() > 0 && judge.finding() == null && world.nowMicros() < deadline) {
            world.step();
        }
        if (judge.finding() == null && judge.open() > 0) {
            SessionId stuck = judge.unfinished().getFirst();
            judge.violation(
                    "no session stuck",
                    stuck,
                    judge.open() + " requests have no end " + (HEAL_MICROS + QUIET_MICROS) / 1_000_000
                            + " s after the last fault, the first of them " + stuck);
        }
        run(SETTLE_MICROS);
        if (judge.finding() == null) {
            idle();
        }
    }

    private void run(long micros) {
        long until = world.nowMicros() + micros;
        while (world.judge().finding() == null && world.nowMicros() < until) {
            world.step();
        }
    }

    /** What must hold once nothing is to be done. */
    private void idle() {
        Judge judge = world.judge();
        for (SimWorker worker : cluster.workers()) {
            if (worker.isAlive() && worker.stage().reserved() > 0) {
                judge.violation(
                        "no leak",
                        worker.stage().anySession(),
                        "worker " + worker.name + " holds " + worker.stage().reserved()
                                + " tokens of KV cache for nobody");
            }
            if (worker.isAlive() && worker.stage().sessions() > 0) {
                judge.violation(
                        "no leak",
                        null,
                        "worker " + worker.name + " holds " + worker.stage().sessions() + " sessions");
            }
            for (SimRouter router : cluster.routers()) {
                long reserved = router.dispatcher().reserved(worker.id());
                if (reserved > 0) {
                    judge.violation(
                            "no leak",
                            null,
                            router.name + " has reserved " + reserved + " tokens on " + worker.name + " for nobody");
                }
            }
        }
        if (!judge.unread().isEmpty()) {
            judge.violation(
                    "2 one sequence",
                    judge.unread().getFirst(),
                    "its reader has not seen all tokens of its completion");
        }
    }
}
