package io.sluice.launcher.stack;

import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.embedded.ChildProcess;
import io.sluice.embedded.StartupException;
import io.sluice.records.Allocation;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/** When a stack that starts would serve a request: services run, workers have joined, an allocation carries tokens. */
final class Readiness {
    private static final Duration TIMEOUT = Duration.ofMinutes(6);

    private final ClusterWatch watch;
    private final PlacementPlan plan;
    private final Map<WorkerId, ChildProcess> workers;
    private final CompletableFuture<Void> services;
    private final long beganNanos;

    Readiness(
            ClusterWatch watch,
            PlacementPlan plan,
            Map<WorkerId, ChildProcess> workers,
            CompletableFuture<Void> services,
            long beganNanos) {
        this.watch = watch;
        this.plan = plan;
        this.workers = workers;
        this.services = services;
        this.beganNanos = beganNanos;
    }

    /**
     * Waits for it.
     *
     * @throws StartupException when a worker ends or the time is over; says what is missing
     */
    Allocation await(Progress progress, Path logs) {
        Set<WorkerId> placed = plan.stages().stream().map(Stage::worker).collect(Collectors.toSet());
        try {
            while (true) {
                watch.poll(progress);
                requireAlive();
                Optional<Allocation> allocation = watch.usable(plan.model(), plan.epoch(), placed);
                if (services.isCompletedExceptionally()) {
                    Async.join(services);
                }
                if (services.isDone() && watch.haveJoined(workers.keySet()) && allocation.isPresent()) {
                    return allocation.get();
                }
                if (System.nanoTime() - beganNanos > TIMEOUT.toNanos()) {
                    throw new StartupException("the stack was not ready within " + TIMEOUT.toSeconds() + " s ("
                            + missing(allocation) + "): look at the logs in " + logs);
                }
            }
        } catch (RuntimeException e) {
            services.exceptionally(ignored -> null).join(); // nothing may be opened after closing has begun
            throw e;
        }
    }

    private void requireAlive() {
        for (ChildProcess child : workers.values()) {
            if (!child.isAlive()) {
                throw new StartupException(child.describeExit());
            }
        }
    }

    private String missing(Optional<Allocation> allocation) {
        List<String> missing = new ArrayList<>();
        workers.keySet().stream()
                .filter(worker -> !watch.haveJoined(Set.of(worker)))
                .forEach(worker -> missing.add("worker " + worker));
        if (allocation.isEmpty()) {
            missing.add("an allocation that carries tokens");
        }
        if (!services.isDone()) {
            missing.add("router or flow allocation job");
        }
        return "missing: " + String.join(", ", missing);
    }
}
