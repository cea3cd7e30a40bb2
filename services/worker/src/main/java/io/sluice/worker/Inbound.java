package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.core.sharing.SharingLimits;
import java.util.List;

/** What other threads hand to the compute thread. */
sealed interface Inbound {

    /** The chunks of one record, in its order. */
    record Chunks(List<InboundChunk> chunks) implements Inbound {}

    /** A chunk that could not be used; its dead letter is already out, and its session cannot go on here. */
    record Unusable(SessionId session, int attempt, String message) implements Inbound {}

    /** Chunks or tokens of these sessions could not be sent. */
    record Undelivered(List<SessionKey> sessions, String why) implements Inbound {}

    /** The inputs that an attempt rebuilds from, read from the log: every position before its start, once, in order. */
    record Rebuilt(SessionId session, int attempt, List<InboundChunk> chunks) implements Inbound {}

    /** The log does not hold the inputs of an attempt, or could not be read in time. */
    record LogGone(SessionId session, int attempt, String why) implements Inbound {}

    /** A placement says this of the worker. */
    record Ordered(LayerOrder order) implements Inbound {}

    /** Layers have been loaded, or could not be. */
    record Loaded(LayerLoads.Outcome outcome) implements Inbound {}

    /** What best-effort work may use, on this worker's clock. */
    record Limited(SharingLimits limits) implements Inbound {}

    /** Nothing but a reason to look up. */
    record WakeUp() implements Inbound {}

    /** A session's attempt. */
    record SessionKey(SessionId session, int attempt) {}
}
