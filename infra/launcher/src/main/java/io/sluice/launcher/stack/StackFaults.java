package io.sluice.launcher.stack;

import io.sluice.core.WorkerId;
import io.sluice.embedded.ChildProcess;
import io.sluice.embedded.ProcessControl;
import io.sluice.embedded.RegistryProcess;
import io.sluice.embedded.WanRelay;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Faults of a running {@link EmbeddedStack}, each with its end. What needs a process or a relay of its own fails with a
 * sentence where the stack was not started with {@link StackConfig.Isolation#FULL}. Thread-safe.
 */
public final class StackFaults {
    private static final Duration END = Duration.ofSeconds(20);

    private final Infrastructure infrastructure;
    private final Restartable<AutoCloseable> router;
    private final Restartable<AutoCloseable> batch;
    private final WorkerProcesses workers;

    StackFaults(
            Infrastructure infrastructure,
            Restartable<AutoCloseable> router,
            Restartable<AutoCloseable> batch,
            WorkerProcesses workers) {
        this.infrastructure = infrastructure;
        this.router = router;
        this.batch = batch;
        this.workers = workers;
    }

    /** {@code kill -9}; the supervisor reports it and starts the worker again. */
    public void killWorker(WorkerId worker) {
        ChildProcess child = process(worker);
        child.kill();
        await(child);
    }

    /** SIGSTOP: the worker is silent, and a zombie when it goes on. */
    public void suspendWorker(WorkerId worker) {
        ProcessControl.suspend(process(worker).pid());
    }

    /** SIGCONT. */
    public void resumeWorker(WorkerId worker) {
        ProcessControl.resume(process(worker).pid());
    }

    /** Nothing passes between the worker and the broker; it goes on computing what it has. */
    public void cutWorker(WorkerId worker) {
        relay(worker).cut();
    }

    /** The worker reaches the broker again, and what was on its way arrives. */
    public void mendWorker(WorkerId worker) {
        relay(worker).mend();
    }

    /** No file of the worker grows, as if its disk were full: {@link ProcessControl#refuseGrowth}. */
    public void fillDiskOf(WorkerId worker) {
        ProcessControl.refuseGrowth(process(worker).pid());
    }

    /** The worker's files may grow again. */
    public void makeRoomFor(WorkerId worker) {
        ChildProcess child = process(worker);
        if (child.isAlive()) {
            ProcessControl.allowGrowth(child.pid());
        }
    }

    /**
     * No file of the broker grows, as if its disk were full. Kafka gives up a broker whose only log folder cannot be
     * written, so it ends soon; {@link #startBroker} is the operator who has made room and starts it again.
     */
    public void fillBrokerDisk() {
        infrastructure.broker().hold();
        ProcessControl.refuseGrowth(brokerProcess().pid());
    }

    /** Stops the broker in order; it stays away until {@link #startBroker}. */
    public void stopBroker() {
        infrastructure.broker().stop();
    }

    /** {@code kill -9} of the broker; it stays away until {@link #startBroker}. */
    public void killBroker() {
        infrastructure.broker().hold();
        brokerProcess().kill();
        await(brokerProcess());
    }

    /** Starts the broker again on the same port and data, if it is away; a broker whose disk was full gets room. */
    public void startBroker() {
        ChildProcess child = infrastructure.brokerProcess();
        if (child != null && child.isAlive() && ProcessControl.canRefuseGrowth()) {
            ProcessControl.allowGrowth(child.pid());
        }
        infrastructure.broker().start();
    }

    /** {@code kill -9} of the registry; it stays away until {@link #startRegistry}. */
    public void killRegistry() {
        RegistryProcess registry = infrastructure.registry().current();
        infrastructure.registry().hold();
        registry.process().kill();
        await(registry.process());
    }

    /** Starts the registry again on the same port and data, if it is away. */
    public void startRegistry() {
        infrastructure.registry().start();
    }

    /** {@code kill -9} of the router; it stays away until {@link #startRouter}. */
    public void killRouter() {
        kill("router", router);
    }

    /** Stops the router in order; it stays away until {@link #startRouter}. */
    public void stopRouter() {
        router.stop();
    }

    /** Starts the router again, if it is away. */
    public void startRouter() {
        router.start();
    }

    /** {@code kill -9} of the batch service; it stays away until {@link #startBatch}. */
    public void killBatch() {
        kill("batch service", batch);
    }

    /** Stops the batch service in order; it stays away until {@link #startBatch}. */
    public void stopBatch() {
        batch.stop();
    }

    /** Starts the batch service again, if it is away. */
    public void startBatch() {
        batch.start();
    }

    private static void kill(String name, Restartable<AutoCloseable> service) {
        if (!(service.current() instanceof ServiceProcess process)) {
            throw new UnsupportedOperationException("the " + name + " runs in this process: start the stack isolated");
        }
        service.hold();
        process.process().kill();
        await(process.process());
    }

    /** Takes Flink's TaskManager away; the job goes on from its last checkpoint on a new one. */
    public void loseFlinkTask() {
        infrastructure.flink().replaceTaskManager();
    }

    /** Processes of the stack by name, this one first; those that are away are left out. */
    public Map<String, Long> processIds() {
        Map<String, Long> ids = new LinkedHashMap<>();
        ids.put("stack", ProcessHandle.current().pid());
        ChildProcess broker = infrastructure.brokerProcess();
        put(ids, "broker", broker);
        put(ids, "registry", infrastructure.registry().current().process());
        put(ids, "router", router.current() instanceof ServiceProcess process ? process.process() : null);
        put(ids, "batcher", batch.current() instanceof ServiceProcess process ? process.process() : null);
        workers.all().forEach((worker, child) -> put(ids, worker.value(), child));
        return ids;
    }

    /** Process id of a worker; empty when it is not running. */
    public OptionalLong pid(WorkerId worker) {
        ChildProcess child = workers.process(worker);
        return child == null || !child.isAlive() ? OptionalLong.empty() : OptionalLong.of(child.pid());
    }

    private static void put(Map<String, Long> ids, String name, ChildProcess child) {
        if (child != null && child.isAlive()) {
            ids.put(name, child.pid());
        }
    }

    private ChildProcess process(WorkerId worker) {
        ChildProcess child = workers.process(worker);
        if (child == null) {
            throw new IllegalArgumentException("the stack has no worker " + worker);
        }
        return child;
    }

    private WanRelay relay(WorkerId worker) {
        WanRelay relay = infrastructure.relays().of(worker);
        if (relay == null) {
            throw new UnsupportedOperationException(
                    "worker " + worker + " reaches the broker directly: start the stack isolated");
        }
        return relay;
    }

    private ChildProcess brokerProcess() {
        ChildProcess process = infrastructure.brokerProcess();
        if (process == null) {
            throw new UnsupportedOperationException("the broker runs in this process: start the stack isolated");
        }
        return process;
    }

    private static void await(ChildProcess child) {
        try {
            if (!child.awaitEnd(END)) {
                throw new IllegalStateException(child.name() + " was killed and has not ended");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while " + child.name() + " ended", e);
        }
    }
}
