package io.sluice.core.stage;

import io.sluice.core.SessionId;

/**
 * A chunk as a stage takes it in. Positions and layers are only of a {@link Kind#FORWARD}.
 *
 * @param <P> set-ups
 */
public interface StageChunk<P extends StageSetup> {
    /** Offset of a chunk that did not come through the log. */
    long NOT_LOGGED = -1;

    /** What it is for. */
    enum Kind {
        /** Inputs of positions. */
        FORWARD,
        /** The session has ended; to be passed on along the pipeline. */
        RELEASE,
        /** The session has ended here. */
        DROP,
        /** The set-up of an attempt whose first chunk is still to come. */
        PREPARE
    }

    SessionId session();

    int attempt();

    Kind type();

    int position();

    /** Position after the last one. */
    int end();

    int enterLayer();

    /** Whether it is a step or ends the prompt. */
    boolean lastOfPrompt();

    /** Null unless the chunk carries the attempt's set-up. */
    P plan();

    /** Its record in this worker's topic; {@link #NOT_LOGGED}: none. */
    long offset();
}
