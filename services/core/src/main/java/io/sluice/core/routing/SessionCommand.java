package io.sluice.core.routing;

import io.sluice.core.Pipeline;
import io.sluice.core.SessionId;
import io.sluice.core.recovery.Assignment;

/** What can happen to a session from outside. */
public sealed interface SessionCommand {

    /** A checked request arrives. */
    record Submit(SessionId id, long deadlineMs) implements SessionCommand {}

    /**
     * A pipeline was found for a waiting session.
     *
     * @param attempt its number, at least 1; more where workers have seen an attempt that a crash made the router forget
     */
    record Assign(Pipeline pipeline, long epoch, int attempt) implements SessionCommand {
        /** The first attempt. */
        public Assign(Pipeline pipeline, long epoch) {
            this(pipeline, epoch, 1);
        }
    }

    /**
     * A stage of the pipeline is lost, or cannot go on.
     *
     * @param attempt that is concerned; an older one is dropped
     */
    record Interrupt(int attempt, String reason) implements SessionCommand {}

    /** The next attempt of an interrupted session, with the pipeline it runs on. */
    record Reassign(Assignment assignment, long epoch, String reason) implements SessionCommand {}

    /** A token arrives; {@code last} when it carries a finish reason. */
    record Receive(int attempt, int index, boolean last) implements SessionCommand {}

    /** A worker has told the client that it cannot go on. */
    record GiveUp() implements SessionCommand {}

    /**
     * Time passes.
     *
     * @param stallMs how long a session that runs, or waits for another attempt, may go without a token
     * @param retentionMs how long an ended session is remembered
     */
    record Tick(long stallMs, long retentionMs) implements SessionCommand {}
}
