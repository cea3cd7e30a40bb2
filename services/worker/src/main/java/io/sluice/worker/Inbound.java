package io.sluice.worker;

import io.sluice.core.SessionId;
import java.util.List;

/** What other threads hand to the compute thread. */
sealed interface Inbound {

    /** The chunks of one record, in its order. */
    record Chunks(List<InboundChunk> chunks) implements Inbound {}

    /** A chunk that could not be used; its error record is already out, and its session cannot go on. */
    record Unusable(SessionId session, int attempt) implements Inbound {}

    /** Chunks or tokens of these sessions could not be sent. */
    record Undelivered(List<SessionKey> sessions, String why) implements Inbound {}

    /** A placement says this of the worker. */
    record Ordered(LayerOrder order) implements Inbound {}

    /** Layers have been loaded, or could not be. */
    record Loaded(LayerLoads.Outcome outcome) implements Inbound {}

    /** Nothing but a reason to look up. */
    record WakeUp() implements Inbound {}

    /** A session's attempt. */
    record SessionKey(SessionId session, int attempt) {}
}
