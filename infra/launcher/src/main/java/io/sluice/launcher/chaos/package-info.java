/**
 * The {@code sluice chaos} command: an embedded stack under load and faults, and the verdict. A {@link
 * io.sluice.launcher.chaos.FaultSchedule} is drawn from a seed, {@link io.sluice.launcher.chaos.FaultRunner} carries it
 * out, {@link io.sluice.launcher.chaos.TopicAudit} judges by what is in the topics afterwards.
 *
 * <p>What each fault does, how long it lasts and who heals it:
 *
 * <ul>
 *   <li>kill: {@code kill -9} of a worker. The supervisor reports the end and starts the worker again.
 *   <li>stop: SIGSTOP of a worker, SIGCONT after 2 to 8 s. It keeps its connections; when it goes on it is a zombie.
 *   <li>partition: the relay between a worker and the broker is cut for 2 to 8 s. Nothing passes, no connection ends; then
 *       all that was on its way arrives.
 *   <li>broker: the broker is stopped in order, or killed, and started again 1 to 4 s later on the same port and data.
 *   <li>registry: {@code kill -9} of the schema registry, started again 2 to 8 s later.
 *   <li>router: {@code kill -9} of the router, or an orderly stop, started again at most 3 s later.
 *   <li>batcher: the same with the batch service.
 *   <li>flink: Flink's TaskManager is taken away and replaced; the job goes on from its last checkpoint.
 *   <li>disk: no file of the broker, or of a worker, grows for 2 to 6 s. Emulated with RLIMIT_FSIZE, so a write fails with
 *       EFBIG where a full disk says ENOSPC; needs Linux. Kafka gives the broker up then, and it is started again once
 *       there is room.
 * </ul>
 */
package io.sluice.launcher.chaos;
