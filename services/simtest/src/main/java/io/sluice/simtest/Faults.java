package io.sluice.simtest;

import io.sluice.core.Pipeline;
import io.sluice.core.SessionId;
import io.sluice.core.recovery.Assignment;
import io.sluice.core.recovery.ResumeMode;
import io.sluice.core.recovery.StageResume;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * What goes wrong, and when: one fault after the other at random times, and on every request of a fast producer a small
 * chance to be repeated or overtaken. Everything heals when faults end. Counts what it has done.
 */
final class Faults {
    private final World world;
    private final SplittableRandom random;
    private final Map<FaultKind, Long> counts = new EnumMap<>(FaultKind.class);
    private final Map<String, Long> recoveries = new TreeMap<>();
    private final Map<SessionId, Map<Integer, Pipeline>> numbered = new HashMap<>();
    private final double requestFaults;
    private final long meanMicros;
    private FaultInjector injector;
    private boolean over;

    Faults(World world, SplittableRandom random) {
        this.world = world;
        this.random = random;
        this.requestFaults = random.nextInt(4) == 0 ? 0 : random.nextDouble() * 0.02;
        this.meanMicros = 150_000 + random.nextLong(800_000);
    }

    void start(FaultInjector faultInjector) {
        injector = faultInjector;
        next();
    }

    /** No more; what is broken is repaired. */
    void end() {
        over = true;
        injector.repair();
    }

    boolean isOver() {
        return over;
    }

    SplittableRandom random() {
        return random;
    }

    Map<FaultKind, Long> counts() {
        return counts;
    }

    Map<String, Long> recoveries() {
        return recoveries;
    }

    void count(FaultKind kind) {
        counts.merge(kind, 1L, Long::sum);
    }

    /** What becomes of a request of a fast producer; null: nothing unusual. */
    FaultKind onRequest() {
        if (over || requestFaults == 0 || random.nextDouble() >= requestFaults) {
            return null;
        }
        FaultKind kind = random.nextBoolean() ? FaultKind.DUPLICATED : FaultKind.REORDERED;
        count(kind);
        return kind;
    }

    /** A session has got its first attempt, once more where a crash has undone the record of the last one. */
    void assigned(SessionId session, int attempt, Pipeline pipeline) {
        Pipeline before =
                numbered.computeIfAbsent(session, id -> new HashMap<>()).put(attempt, pipeline);
        if (before != null && !before.equals(pipeline)) {
            count(FaultKind.NUMBER_GIVEN_TWICE);
        }
    }

    /** A session has got another attempt. */
    void recovered(Assignment assignment) {
        boolean keeps = false;
        boolean rebuilds = false;
        for (StageResume stage : assignment.stages()) {
            keeps |= stage.mode() == ResumeMode.KEEP;
            rebuilds |= stage.mode() == ResumeMode.REBUILD;
        }
        String how = assignment.position() == 0
                ? "from the prompt"
                : rebuilds ? "rebuilt from the log" : keeps ? "caches kept" : "replayed";
        recoveries.merge(how, 1L, Long::sum);
    }

    private void next() {
        world.at(world.nowMicros() + (long) (-Math.log(1 - random.nextDouble()) * meanMicros), () -> {
            if (!over) {
                FaultKind kind = injector.inject();
                if (kind != null) {
                    count(kind);
                }
                next();
            }
        });
    }
}
