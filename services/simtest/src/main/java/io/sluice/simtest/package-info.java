/**
 * The whole loop (clients, router, workers, planner, log, network, clocks) in one thread on virtual time, from one seed,
 * with every kind of fault and a check after every step; after FoundationDB's and TigerBeetle's simulators.
 *
 * <p><b>Real</b> are the classes of the core, which the live services run, too: sessions, routing, KV budget, admission,
 * when a session is interrupted, where it goes on and who is told ({@code SessionRecovery}, {@code SessionPatience}),
 * recovery plans and the offset index, leases, everything a stage does with a chunk ({@code StageIntake}) and with the log
 * ({@code LogPicker}), batches, the planner of flows, and the verifier on every allocation. What {@code --mutate} breaks
 * it breaks by what goes into these classes or comes out of them.
 * <b>Simulated</b> is what lies around them: topics with offsets, followers, leaders, retention and transactions; fast
 * producers that wait for the leader only and durable ones; readers that see what is not committed and readers that do
 * not; processes with clocks that are wrong and drift, which die, stand still, are cut off, come back under their name or
 * with a twin of it; one or two routers, whose partitions change hands; workers that change their layers while sessions run.
 * Router, stages and planner here are as thin around the core as the live ones, but they are other code: a mistake in the live adapters, in Kafka, Kafka Streams or Flink is not found here. <b>Not simulated</b> are
 * tensors (a hash chain stands for them, so results are equal to the bit), the search for placements,
 * best-effort work, and the sizes of records.
 *
 * <p><b>A violation</b> says the seed, the step, which invariant of the architecture page is broken (or which of the
 * simulator's own: offset index, KV reservations, no leak, no session stuck, healthy again, attempts increase) and how.
 * The events below it are the last ones of that session, among those that concern all; the seed with the same number of
 * steps replays it exactly.
 */
package io.sluice.simtest;
