package io.sluice.launcher.chaos;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.embedded.ProcessControl;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.launcher.stack.StackFaults;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Carries a schedule out on a running stack, each fault on a thread of its own, and heals every one. Runs once. */
final class FaultRunner {
    private static final Logger LOG = LoggerFactory.getLogger(FaultRunner.class);
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final long LOOK_MS = 100;
    private static final String BROKER = "broker";

    private final EmbeddedStack stack;
    private final StackFaults faults;
    private final SortedMap<String, LayerRange> workers;
    private final boolean keepServing;
    private final Progress progress;
    private final List<Done> done = new ArrayList<>();
    private final Set<String> hit = new HashSet<>();

    /**
     * A fault as it was.
     *
     * @param beganNanos when it was inflicted, of this JVM's monotonic clock
     * @param endedNanos when it was healed
     * @param note why it was left out, or what went wrong; empty: as planned
     */
    record Done(Fault fault, long beganNanos, long endedNanos, boolean inflicted, String note) {}

    /** @param workers layers of every worker */
    FaultRunner(EmbeddedStack stack, SortedMap<String, LayerRange> workers, boolean keepServing, Progress progress) {
        this.stack = stack;
        this.faults = stack.faults();
        this.workers = workers;
        this.keepServing = keepServing;
        this.progress = progress;
    }

    /** Inflicts every fault at its time after {@code beganNanos} and returns when all are healed. */
    List<Done> run(FaultSchedule schedule, long beganNanos) throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (Fault fault : schedule.faults()) {
            threads.add(
                    Thread.ofPlatform().daemon().name("fault-" + threads.size()).unstarted(() -> one(fault)));
        }
        for (int i = 0; i < threads.size(); i++) {
            long due = beganNanos
                    + TimeUnit.MILLISECONDS.toNanos(schedule.faults().get(i).atMs());
            TimeUnit.NANOSECONDS.sleep(Math.max(0, due - System.nanoTime()));
            threads.get(i).start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        synchronized (done) {
            return done.stream()
                    .sorted(Comparator.comparingLong(Done::beganNanos))
                    .toList();
        }
    }

    private void one(Fault fault) {
        long began = System.nanoTime();
        String note = "";
        boolean inflicted = false;
        try {
            if (!awaitSpare(fault)) {
                note = "left out: no other worker with its layers had come back within 30 s";
            } else if (fault.kind() == FaultKind.DISK && !ProcessControl.canRefuseGrowth()) {
                note = "left out: a full disk needs prlimit (Linux, package util-linux)";
            } else {
                began = System.nanoTime();
                inflicted = true;
                progress.step("fault", fault.toString().strip());
                inflict(fault);
                TimeUnit.MILLISECONDS.sleep(fault.durationMs());
                heal(fault);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            note = "interrupted";
        } catch (RuntimeException e) {
            LOG.error("fault={} went wrong", fault, e);
            note = "went wrong: " + e.getMessage();
        } finally {
            release(fault);
        }
        if (!note.isEmpty()) {
            progress.step("fault", fault.toString().strip() + " " + note);
        }
        synchronized (done) {
            done.add(new Done(fault, began, System.nanoTime(), inflicted, note));
        }
    }

    private void inflict(Fault fault) {
        WorkerId worker = workers.containsKey(fault.target()) ? new WorkerId(fault.target()) : null;
        switch (fault.kind()) {
            case KILL -> faults.killWorker(worker);
            case STOP -> faults.suspendWorker(worker);
            case PARTITION -> faults.cutWorker(worker);
            case REGISTRY -> faults.killRegistry();
            case FLINK -> faults.loseFlinkTask();
            case BROKER -> {
                if (fault.hard()) {
                    faults.killBroker();
                } else {
                    faults.stopBroker();
                }
            }
            case ROUTER -> {
                if (fault.hard()) {
                    faults.killRouter();
                } else {
                    faults.stopRouter();
                }
            }
            case BATCHER -> {
                if (fault.hard()) {
                    faults.killBatch();
                } else {
                    faults.stopBatch();
                }
            }
            case DISK -> {
                if (fault.target().equals(BROKER)) {
                    faults.fillBrokerDisk();
                } else {
                    faults.fillDiskOf(worker);
                }
            }
        }
    }

    private void heal(Fault fault) {
        WorkerId worker = workers.containsKey(fault.target()) ? new WorkerId(fault.target()) : null;
        switch (fault.kind()) {
            case KILL, FLINK -> {} // heal by themselves
            case STOP -> faults.resumeWorker(worker);
            case PARTITION -> faults.mendWorker(worker);
            case REGISTRY -> faults.startRegistry();
            case BROKER -> faults.startBroker();
            case ROUTER -> faults.startRouter();
            case BATCHER -> faults.startBatch();
            case DISK -> {
                if (fault.target().equals(BROKER)) {
                    faults.startBroker();
                } else {
                    faults.makeRoomFor(worker);
                }
            }
        }
    }

    /** Claims the worker once another one with its layers serves; false when none does in time. */
    private boolean awaitSpare(Fault fault) throws InterruptedException {
        if (!fault.kind().hitsWorker()) {
            return true;
        }
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (System.nanoTime() - deadline < 0) {
            synchronized (hit) {
                boolean free = !hit.contains(fault.target()) && serves(fault.target());
                if (free && (!keepServing || hasServingSpare(fault.target()))) {
                    hit.add(fault.target());
                    return true;
                }
            }
            TimeUnit.MILLISECONDS.sleep(LOOK_MS);
        }
        return false;
    }

    private void release(Fault fault) {
        synchronized (hit) {
            if (fault.kind().hitsWorker()) {
                hit.remove(fault.target());
            }
        }
    }

    private boolean hasServingSpare(String target) {
        return workers.entrySet().stream()
                .anyMatch(other -> !other.getKey().equals(target)
                        && other.getValue().equals(workers.get(target))
                        && !hit.contains(other.getKey())
                        && serves(other.getKey()));
    }

    /** Whether the worker's process runs and that process has joined. */
    private boolean serves(String worker) {
        OptionalLong pid = faults.pid(new WorkerId(worker));
        return pid.isPresent()
                && stack.description().workers().stream()
                        .anyMatch(known -> known.id().equals(worker) && known.pid() == pid.getAsLong());
    }

    /** Whether every worker serves. */
    boolean allServe() {
        return workers.keySet().stream().allMatch(this::serves);
    }
}
