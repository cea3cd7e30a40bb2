/**
 * How a worker shares its device between latency-critical and best-effort work: the gate and the quota of
 * {@link io.sluice.core.sharing} with this worker's own steps, the limits it was given, and what it reports of both.
 */
package io.sluice.worker.sharing;
