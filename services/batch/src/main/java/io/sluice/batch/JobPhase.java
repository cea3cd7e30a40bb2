package io.sluice.batch;

import io.sluice.records.JobState;

/** Where a job stands; the names are in the store. */
enum JobPhase {
    /** Some of its parts are missing. */
    COLLECTING(JobState.QUEUED),
    /** All parts are there; nothing was sent. */
    QUEUED(JobState.QUEUED),
    /** Items are sent. */
    RUNNING(JobState.RUNNING),
    /** Nothing more is sent; what is in flight ends. */
    CANCELLING(JobState.RUNNING),
    /** Every item has a result. */
    SUCCEEDED(JobState.SUCCEEDED),
    /** It could not be begun. */
    FAILED(JobState.FAILED),
    /** It was cancelled, and nothing is in flight any more. */
    CANCELLED(JobState.CANCELLED);

    private final JobState published;

    JobPhase(JobState published) {
        this.published = published;
    }

    /** What readers of the progress topic are told. */
    JobState published() {
        return published;
    }

    boolean isOver() {
        return this == SUCCEEDED || this == FAILED || this == CANCELLED;
    }
}
