/**
 * A worker: it reads activation chunks from its own topic, runs its layers, and passes the result to the next stage's
 * worker, or samples a token at the last stage. In data-path order: {@code ActivationAdapter} (records in),
 * {@code StageLoop} (one compute thread that owns sessions, KV cache and runner), {@code ActivationPublisher} and
 * {@code TokenPublisher} (records out), {@code TelemetryPublisher} beside them; {@code WorkerService} wires them.
 */
package io.sluice.worker;
