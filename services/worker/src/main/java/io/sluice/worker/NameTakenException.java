package io.sluice.worker;

import io.sluice.core.WorkerId;

/** A newer process serves under this worker's name; two would answer for the same sessions, so the older one stops. */
public final class NameTakenException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    NameTakenException(WorkerId worker, long incarnation, long newer) {
        super("a newer process has taken the name " + worker + " (incarnation " + newer + ", this one is " + incarnation
                + "): this process stops serving; give every worker an --id of its own");
    }
}
