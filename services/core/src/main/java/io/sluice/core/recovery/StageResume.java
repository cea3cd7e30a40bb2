package io.sluice.core.recovery;

import java.util.List;
import java.util.Objects;

/**
 * What one stage does before its first step of a resumed attempt. Immutable.
 *
 * @param start first position that the stage before sends in this attempt; 0 exactly when {@link ResumeMode#FRESH}
 * @param log {@link ResumeMode#REBUILD}: where the inputs of positions {@code [0, start)} are, in order; else empty
 */
public record StageResume(ResumeMode mode, int start, List<LogRange> log) {
    public StageResume {
        Objects.requireNonNull(mode, "mode");
        log = List.copyOf(log);
        if (start < 0 || (start == 0) != (mode == ResumeMode.FRESH)) {
            throw new IllegalArgumentException("a stage that resumes as " + mode + " cannot start at position " + start
                    + ": exactly a fresh one starts at 0");
        }
        if (log.isEmpty() == (mode == ResumeMode.REBUILD)) {
            throw new IllegalArgumentException(
                    "a stage that resumes as " + mode + " has log ranges " + log + ": exactly a rebuild has some");
        }
    }

    public static StageResume fresh() {
        return new StageResume(ResumeMode.FRESH, 0, List.of());
    }

    public static StageResume keep(int start) {
        return new StageResume(ResumeMode.KEEP, start, List.of());
    }

    public static StageResume rebuild(int start, List<LogRange> log) {
        return new StageResume(ResumeMode.REBUILD, start, log);
    }
}
