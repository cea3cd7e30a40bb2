package io.sluice.simtest;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.planning.Allocation;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Does one fault at a time to the cluster, and repairs everything at the end. */
final class FaultInjector {
    private static final int MOST_WORKERS = 12;
    private static final long SECOND = 1_000_000;
    private static final FaultKind[] WEIGHTED = {
        FaultKind.WORKER_CRASH,
        FaultKind.WORKER_CRASH,
        FaultKind.WORKER_CRASH,
        FaultKind.WORKER_CRASH,
        FaultKind.WORKER_STOP,
        FaultKind.WORKER_STOP,
        FaultKind.PARTITION,
        FaultKind.PARTITION,
        FaultKind.DRAIN,
        FaultKind.DRAIN,
        FaultKind.JOIN,
        FaultKind.LAYERS_MOVED,
        FaultKind.FALSE_REPORT,
        FaultKind.ROUTER_CRASH,
        FaultKind.ROUTER_CRASH,
        FaultKind.ROUTER_PARTITION,
        FaultKind.REBALANCE,
        FaultKind.PLANNER_CRASH,
        FaultKind.STALE_ALLOCATION,
        FaultKind.STALE_ALLOCATION,
        FaultKind.FAIL_OVER,
        FaultKind.FAIL_OVER,
        FaultKind.POWER_LOSS,
        FaultKind.SLOW_DISK,
        FaultKind.LOG_TRUNCATION,
        FaultKind.SLOW_NETWORK,
        FaultKind.CLOCK_JUMP,
        FaultKind.REPEATED_REQUEST,
    };

    private final World world;
    private final Cluster cluster;
    private final SplittableRandom random;

    FaultInjector(World world, Cluster cluster) {
        this.world = world;
        this.cluster = cluster;
        this.random = world.faults().random();
    }

    /** Does something; null when it had no object. */
    FaultKind inject() {
        FaultKind kind = WEIGHTED[random.nextInt(WEIGHTED.length)];
        boolean done =
                switch (kind) {
                    case WORKER_CRASH, WORKER_STOP, PARTITION, DRAIN, FALSE_REPORT -> toWorker(kind);
                    case LAYERS_MOVED -> moveLayers();
                    case JOIN -> join();
                    case ROUTER_CRASH -> crashRouter();
                    case ROUTER_PARTITION -> cut(anyRouter(), 3 * SECOND);
                    case REBALANCE -> world.group().rebalance();
                    case PLANNER_CRASH -> crashPlanner();
                    case STALE_ALLOCATION -> staleAllocation();
                    case FAIL_OVER, POWER_LOSS, SLOW_DISK, LOG_TRUNCATION -> toLog(kind);
                    case SLOW_NETWORK -> slowNetwork();
                    case CLOCK_JUMP -> jumpClock();
                    case REPEATED_REQUEST -> cluster.clients().repeat();
                    default -> false;
                };
        if (done) {
            world.trace(null, () -> "fault: " + kind.words());
        }
        return done ? kind : null;
    }

    private boolean toWorker(FaultKind kind) {
        List<SimWorker> able = cluster.workers().stream()
                .filter(worker -> worker.isAlive() && !worker.isStopped())
                .toList();
        if (able.isEmpty()) {
            return false;
        }
        SimWorker worker = able.get(random.nextInt(able.size()));
        world.trace(null, () -> kind.words() + " of " + worker.name);
        switch (kind) {
            case WORKER_CRASH -> crash(worker);
            case WORKER_STOP -> stop(worker);
            case PARTITION -> cut(worker, 5 * SECOND);
            case DRAIN -> drain(worker);
            default -> report(worker, worker.incarnation(), 0);
        }
        return true;
    }

    private boolean moveLayers() {
        List<SimWorker> able = cluster.workers().stream()
                .filter(worker -> worker.isAlive() && !worker.isStopped() && cluster.isDoubled(worker))
                .toList();
        if (able.isEmpty()) {
            return false;
        }
        SimWorker worker = able.get(random.nextInt(able.size()));
        LayerRange layers = cluster.anyRange(random);
        if (layers.equals(worker.layers())) {
            return false;
        }
        world.trace(null, () -> worker.instance() + " serves " + layers + " after " + worker.layers());
        worker.move(layers);
        return true;
    }

    private void crash(SimWorker worker) {
        long incarnation = worker.incarnation();
        worker.kill();
        if (random.nextBoolean()) {
            report(worker, incarnation, 20_000 + random.nextLong(200_000));
        }
        restart(worker, 50_000 + random.nextLong(6 * SECOND));
    }

    private void report(SimWorker worker, long incarnation, long micros) {
        world.at(
                world.nowMicros() + micros,
                () -> world.beats.append(new Beat(
                        worker.id(),
                        incarnation,
                        Beat.State.GONE,
                        0,
                        SimWorker.LEASE_MILLIS,
                        "supervisor",
                        "its process ended")));
    }

    private void restart(SimWorker worker, long micros) {
        world.at(world.nowMicros() + micros, () -> {
            // A supervisor starts no second process of a name.
            if (cluster.isServed(worker)) {
                return;
            }
            boolean others = !world.faults().isOver() && random.nextInt(6) == 0 && cluster.isSpare(worker);
            LayerRange layers = others ? cluster.anyRange(random) : worker.home();
            world.faults().count(others ? FaultKind.RESTART_OTHER_LAYERS : FaultKind.RESTART);
            worker.start(layers);
        });
    }

    /** The process stands still; another one of its name may have started when it wakes up. */
    private void stop(SimWorker worker) {
        int life = worker.life();
        worker.stop();
        boolean replaced = random.nextInt(3) == 0;
        long micros = 100_000 + random.nextLong(5 * SECOND);
        if (replaced) {
            world.at(world.nowMicros() + micros / 2, () -> {
                if (worker.isStopped() && worker.life() == life) {
                    cluster.replace(worker);
                }
            });
        }
        world.at(world.nowMicros() + micros, () -> {
            if (worker.life() == life && worker.isStopped()) {
                worker.goOn();
            }
        });
    }

    private boolean cut(Actor actor, long mostMicros) {
        if (!actor.isAlive() || actor.isCutOff()) {
            return false;
        }
        actor.cutOff(true);
        world.at(world.nowMicros() + 100_000 + random.nextLong(mostMicros), () -> actor.cutOff(false));
        return true;
    }

    private void drain(SimWorker worker) {
        boolean deadline = random.nextInt(4) > 0;
        long micros = 500_000 + random.nextLong(4 * SECOND);
        world.commands.append(
                new Wire.Command(worker.id(), true, deadline ? worker.clockMillis() + micros / 1_000 : 0));
        if (random.nextInt(4) == 0) {
            world.at(world.nowMicros() + micros / 2, () -> {
                world.faults().count(FaultKind.DRAIN_CALLED_OFF);
                world.commands.append(new Wire.Command(worker.id(), false, 0));
            });
        }
        restart(worker, micros + 3 * SECOND);
        restart(worker, micros + 12 * SECOND);
    }

    private boolean join() {
        if (cluster.workers().size() >= MOST_WORKERS) {
            return false;
        }
        cluster.join(random);
        return true;
    }

    private SimRouter anyRouter() {
        return cluster.routers().get(random.nextInt(cluster.routers().size()));
    }

    private boolean crashRouter() {
        SimRouter router = anyRouter();
        if (!router.isAlive()) {
            return false;
        }
        router.kill();
        world.at(world.nowMicros() + 50_000 + random.nextLong(3 * SECOND), () -> {
            if (!router.isAlive()) {
                router.start();
            }
        });
        return true;
    }

    private boolean crashPlanner() {
        SimPlanner planner = cluster.planner();
        if (!planner.isAlive()) {
            return false;
        }
        planner.kill();
        world.at(world.nowMicros() + 50_000 + random.nextLong(4 * SECOND), planner::start);
        return true;
    }

    private boolean staleAllocation() {
        Log<Allocation> log = world.allocations;
        if (log.end() - log.start() < 2) {
            return false;
        }
        log.append(log.get(log.start() + random.nextLong(log.end() - log.start() - 1)));
        return true;
    }

    private boolean toLog(FaultKind kind) {
        boolean any = kind == FaultKind.FAIL_OVER || kind == FaultKind.SLOW_DISK;
        List<? extends Log<?>> logs = any && random.nextInt(3) == 0 ? world.logs() : world.activationLogs();
        if (logs.isEmpty()) {
            return false;
        }
        Log<?> log = logs.get(random.nextInt(logs.size()));
        world.trace(null, () -> kind.words() + " of " + log.name);
        switch (kind) {
            case FAIL_OVER -> log.failOver(50_000 + random.nextLong(2 * SECOND));
            case POWER_LOSS -> log.losePower(1 + random.nextInt(5), 50_000 + random.nextLong(2 * SECOND));
            case SLOW_DISK -> log.slowFor(300_000 + random.nextLong(2 * SECOND));
            default -> log.truncateBefore(log.start() + random.nextLong(log.end() - log.start() + 1));
        }
        return true;
    }

    private boolean slowNetwork() {
        world.networkMicros(2_000 + random.nextLong(20_000));
        world.at(world.nowMicros() + 300_000 + random.nextLong(2 * SECOND), () -> world.networkMicros(250));
        return true;
    }

    private boolean jumpClock() {
        List<Actor> actors = new ArrayList<>(cluster.workers());
        actors.add(cluster.planner());
        actors.addAll(cluster.routers());
        actors.get(random.nextInt(actors.size())).shiftClock(random.nextLong(-2 * SECOND, 2 * SECOND));
        return true;
    }

    /** Everything that is broken or away comes back. */
    void repair() {
        world.networkMicros(250);
        for (SimWorker worker : cluster.workers()) {
            worker.cutOff(false);
            if (worker.isStopped()) {
                worker.goOn();
            }
            if (worker.drains()) {
                world.commands.append(new Wire.Command(worker.id(), false, 0));
            }
            if (worker.isAlive() && !worker.layers().equals(worker.home())) {
                worker.kill();
            }
            restart(worker, SECOND);
            restart(worker, 8 * SECOND);
        }
        cluster.routers().forEach(router -> router.cutOff(false));
    }

    /** Names of workers that joined later. */
    static WorkerId name(int number) {
        return new WorkerId("w" + number);
    }
}
