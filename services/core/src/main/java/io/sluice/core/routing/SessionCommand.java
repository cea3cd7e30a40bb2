package io.sluice.core.routing;

import io.sluice.core.Pipeline;
import io.sluice.core.SessionId;

/** What can happen to a session from outside. */
public sealed interface SessionCommand {

    /** A checked request arrives. */
    record Submit(SessionId id, long deadlineMs) implements SessionCommand {}

    /** A pipeline was found for a waiting session. */
    record Assign(Pipeline pipeline, long epoch) implements SessionCommand {}

    /** A token arrives; {@code last} when it carries a finish reason. */
    record Receive(int attempt, int index, boolean last) implements SessionCommand {}

    /** A worker has told the client that it cannot go on. */
    record GiveUp() implements SessionCommand {}

    /**
     * Time passes.
     *
     * @param stallMs how long an active session may go without a token
     * @param retentionMs how long an ended session is remembered
     */
    record Tick(long stallMs, long retentionMs) implements SessionCommand {}
}
