/**
 * A worker: it reads activation chunks from its own topic, runs its layers, and passes the result to the next stage's
 * worker, or samples a token at the last stage. In data-path order: {@code ActivationAdapter} (records in),
 * {@code StageLoop} (one compute thread that owns sessions, KV cache and runner), {@code ActivationPublisher} and
 * {@code TokenPublisher} (records out), {@code TelemetryPublisher} and {@code StatusPublisher} beside them;
 * {@code WorkerService} wires them.
 *
 * <p>What goes first is decided by the same classes of the core that the simulated policy {@code sluice} runs:
 * {@code BatchScheduler} forms batches, prompts by the rank of {@code SchedulingBounds}; {@code PrefillChunking} sizes
 * prompt chunks where the device's layer times are known ({@code PromptChunking}); pieces that a link has cut are gathered
 * to such chunks again ({@code PromptGathering}). Where the declared link is slow, {@code PacedLinks} stands before
 * {@code ActivationPublisher}: a {@code LinkQueue} per next worker, decode steps first, and while more than a bounded part
 * of prompts waits there, no further ones are computed.
 *
 * <p>A chunk's way on the compute thread: {@code SessionIntake} gives it to the core's {@code StageIntake}, which fences
 * attempts, keeps the order, begins attempts as their set-up says, gives them KV cache or keeps what a former one left,
 * and ends sessions; {@code WorkFeed} makes work of what has its turn. Where an attempt rebuilds,
 * {@code LogReader} ({@code InputLog} in tests: lists in memory) reads the lost worker's topic, {@code LoggedInputs} has
 * the core's {@code LogPicker} pick the session's inputs. What cannot go on goes out through {@code ReportPublisher}; only the router ends sessions.
 *
 * <p>Which layers it serves changes while it serves. {@code PlacementFollower} reads the placements topic;
 * {@code LayerKeeper}, on the compute thread, decides; {@code LayerLoader} loads and frees on a thread of its own. A
 * newer placement that names the worker with other layers makes it load those it misses; when they are ready the range
 * served switches between two batches, and the status announces range, speed, KV capacity and the epoch. A placement that
 * does not name it makes it a spare, which stays a member and tells the speed of one layer. A session keeps the range it
 * was set up with: layers outside the range served stay while a session runs them, and for
 * {@code LayerKeeper.GRACE} after the switch, for sessions routed before it. Then their weights, KV cache, head and
 * tokenizer are freed. What cannot be carried out (memory, weights, {@code --max-layers}) is logged as a warning and not
 * announced, and what was served stays. A chunk for layers that are not held is reported.
 *
 * <p>The KV budget is one number of bytes for all ranges: while old and new sessions run side by side, a reservation
 * that does not fit waits as it always does. {@code --layers} pins a worker: it reads no placements and
 * announces {@code max_layers} 0, so that no planner counts on moving it.
 *
 * <p>Metrics of this: {@code sluice_worker_layers_served}, {@code sluice_worker_layers_loaded},
 * {@code sluice_worker_draining_sessions}, {@code sluice_worker_placement_epoch}, and
 * {@code sluice_worker_transition_seconds} (count, sum, histogram) by outcome: done, unchanged, failed, superseded.
 */
package io.sluice.worker;
