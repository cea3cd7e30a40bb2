package io.sluice.core.membership;

import io.sluice.core.WorkerId;

/** What has changed about who is there. */
public sealed interface MemberEvent {
    WorkerId worker();

    /** Heard of for the first time, or again after it was lost. */
    record Joined(WorkerId worker, long incarnation) implements MemberEvent {}

    /** A new process of the same name: what the old one had in memory is lost. */
    record Restarted(WorkerId worker, long incarnation) implements MemberEvent {}

    /** Takes no new session and leaves at the deadline, milliseconds since the Unix epoch; 0: when it is empty. */
    record Draining(WorkerId worker, long deadlineMs) implements MemberEvent {}

    /** A drain was called off. */
    record Serving(WorkerId worker) implements MemberEvent {}

    /** Its lease ended, or its end was reported. {@code silentMs}: since it was last heard of. */
    record Lost(WorkerId worker, String reason, long silentMs) implements MemberEvent {}

    /** A process of an earlier start still sends heartbeats; they are dropped. Once per incarnation. */
    record Zombie(WorkerId worker, long incarnation) implements MemberEvent {}
}
