package io.sluice.router;

import io.sluice.core.WorkerId;
import io.sluice.records.ActivationBatch;

/** Chunks on their way to one worker's topic. Immutable. */
record ToWorker(WorkerId worker, ActivationBatch batch) {}
