package io.sluice.launcher;

import io.sluice.records.BeatState;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.Heartbeat;
import java.util.Objects;
import java.util.Optional;

/** What is seen of one worker's drain, record by record. Not thread-safe. */
final class DrainView {
    private final String worker;
    private final long incarnation;
    private final boolean undo;
    private final long silenceMs;
    private long heardMs;
    private boolean heard;
    private boolean drains;
    private long leaseMs;
    private long deadlineMs;
    private int sessions = -1;
    private String said = "";
    private Outcome outcome;

    /**
     * How it ended.
     *
     * @param wanted whether that is what was asked for
     */
    record Outcome(boolean wanted, String sentence) {
        Outcome {
            Objects.requireNonNull(sentence, "sentence");
        }
    }

    /**
     * @param undo whether the drain is to be called off
     * @param silenceMs after so long without a sign the worker is given up
     */
    DrainView(String worker, long incarnation, boolean undo, long silenceMs, long nowMs) {
        this.worker = Objects.requireNonNull(worker, "worker");
        this.incarnation = incarnation;
        this.undo = undo;
        this.silenceMs = silenceMs;
        this.heardMs = nowMs;
    }

    /** A heartbeat has come. */
    void heard(Heartbeat beat, long nowMs) {
        if (!beat.getWorker().equals(worker) || outcome != null) {
            return;
        }
        if (beat.getIncarnation() > incarnation) {
            outcome = new Outcome(!undo, "worker " + worker + " was started again: the process that was asked is gone");
            return;
        }
        if (beat.getIncarnation() < incarnation) {
            return;
        }
        heard = true;
        heardMs = nowMs;
        leaseMs = beat.getLeaseMs();
        boolean did = drains;
        drains = beat.getState() == BeatState.DRAINING;
        deadlineMs = beat.getDrainDeadlineMs();
        if (beat.getState() == BeatState.GONE) {
            outcome = new Outcome(
                    !undo,
                    "worker " + worker + " has left" + (beat.getReason().isEmpty() ? "" : ": " + beat.getReason()));
        } else if (undo && !drains) {
            outcome = new Outcome(true, "worker " + worker + " serves on");
        } else if (!undo && did && !drains) {
            outcome = new Outcome(false, "worker " + worker + " serves on: somebody called the drain off");
        }
    }

    /** Telemetry has come. */
    void heard(GpuTelemetry telemetry) {
        if (telemetry.getWorker().equals(worker) && telemetry.getIncarnation() == incarnation) {
            sessions = telemetry.getSessions();
        }
    }

    /** A line about what has changed; empty when nothing has. */
    Optional<String> line(long nowMs) {
        if (!drains || undo || outcome != null) {
            return Optional.empty();
        }
        String left = sessions < 0
                ? "sessions not counted yet"
                : sessions + (sessions == 1 ? " session" : " sessions") + " left";
        String now = "worker " + worker + " drains: " + left;
        if (now.equals(said)) {
            return Optional.empty();
        }
        said = now;
        return Optional.of(
                deadlineMs == 0 ? now : now + ", " + Math.max(0, (deadlineMs - nowMs + 500) / 1_000) + " s to go");
    }

    /** How it ended; empty while it goes on. */
    Optional<Outcome> outcome(long nowMs) {
        if (outcome != null) {
            return Optional.of(outcome);
        }
        long silent = nowMs - heardMs;
        if (silent <= Math.max(silenceMs, leaseMs)) {
            return Optional.empty();
        }
        return Optional.of(new Outcome(
                false,
                heard
                        ? "worker " + worker + " has fallen silent for " + silent / 1_000
                                + " s without having left: it has crashed, or its network is down"
                        : "worker " + worker + " does not answer: no heartbeat for " + silent / 1_000
                                + " s; its process has ended, or is of a version without heartbeats"));
    }
}
