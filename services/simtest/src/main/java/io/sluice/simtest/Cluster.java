package io.sluice.simtest;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.planning.PlacementPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** The processes of one simulation: a few workers over one to four stages, a planner, a router, clients. */
final class Cluster {
    private final World world;
    private final List<SimWorker> workers = new ArrayList<>();
    private final List<LayerRange> ranges = new ArrayList<>();
    private final SimPlanner planner;
    private final SimLimits limits;
    private final SimClients clients;
    private int named;

    Cluster(World world) {
        this.world = world;
        SplittableRandom random = world.cluster();
        int layers = 3 + random.nextInt(5);
        int stages = Math.min(layers, 1 + random.nextInt(8) * 3 / 7 + (random.nextInt(6) == 0 ? 0 : 1));
        cut(random, layers, stages);
        for (LayerRange range : ranges) {
            int replicas = 2 + random.nextInt(2);
            for (int i = 0; i < replicas; i++) {
                add(random, i > 0 && random.nextInt(5) == 0 ? widened(random, range, layers) : range);
            }
        }
        PlacementPlan plan = new PlacementPlan(
                World.MODEL,
                1,
                layers,
                64,
                2,
                workers.stream()
                        .map(worker -> new Stage(worker.id(), worker.layers()))
                        .toList());
        planner = new SimPlanner(world, plan, skew(random), drift(random));
        int routers = 1 + random.nextInt(2);
        world.partition(routers + random.nextInt(2));
        for (int i = 0; i < routers; i++) {
            world.group().add(new SimRouter(world, i, skew(random), drift(random)));
        }
        limits = new SimLimits(world, skew(world.sharing()), drift(world.sharing()));
        clients = new SimClients(world, layers);
    }

    private void cut(SplittableRandom random, int layers, int stages) {
        int first = 0;
        for (int left = stages; left > 0; left--) {
            int most = layers - first - (left - 1);
            int size = left == 1 ? most : 1 + random.nextInt(Math.min(most, 2 * layers / stages));
            ranges.add(new LayerRange(first, first + size));
            first += size;
        }
    }

    private static LayerRange widened(SplittableRandom random, LayerRange range, int layers) {
        return new LayerRange(
                Math.max(0, range.first() - random.nextInt(2)), Math.min(layers, range.end() + random.nextInt(2)));
    }

    private static long skew(SplittableRandom random) {
        return random.nextLong(-1_000_000, 1_000_000);
    }

    private static double drift(SplittableRandom random) {
        return random.nextDouble(-5e-4, 5e-4);
    }

    private SimWorker add(SplittableRandom random, LayerRange range) {
        SimWorker worker = new SimWorker(
                world,
                FaultInjector.name(named++),
                range,
                192 + 64 * random.nextInt(12),
                0.5 + random.nextDouble() * 1.5,
                skew(random),
                drift(random));
        workers.add(worker);
        return worker;
    }

    void start() {
        workers.forEach(worker -> worker.start(worker.layers()));
        planner.start();
        limits.start();
        routers().forEach(SimRouter::start);
        world.group().start();
        world.at(1_000_000, clients::start);
    }

    /** A new worker of a new name. */
    void join(SplittableRandom random) {
        SimWorker worker = add(random, anyRange(random));
        worker.start(worker.layers());
    }

    /** Another process takes the name of one that stands still. */
    void replace(SimWorker old) {
        SimWorker worker = new SimWorker(world, old.id(), old.home(), old.kvCapacity(), 1, 1_000_000, 0);
        workers.add(worker);
        worker.start(old.home());
    }

    /** Whether a process of its name lives. */
    boolean isServed(SimWorker worker) {
        return workers.stream().anyMatch(other -> other.isAlive() && other.id().equals(worker.id()));
    }

    /** Whether another one serves what this one does. */
    boolean isDoubled(SimWorker worker) {
        return workers.stream()
                .anyMatch(other -> other.isAlive()
                        && !other.id().equals(worker.id())
                        && other.layers().equals(worker.layers()));
    }

    /** Whether others serve what it should. */
    boolean isSpare(SimWorker worker) {
        return workers.stream()
                .anyMatch(other -> other != worker
                        && other.isAlive()
                        && other.layers().equals(worker.home())
                        && !other.id().equals(worker.id()));
    }

    LayerRange anyRange(SplittableRandom random) {
        return ranges.get(random.nextInt(ranges.size()));
    }

    /** Every process that there is or was. */
    List<SimWorker> workers() {
        return workers;
    }

    List<SimRouter> routers() {
        return world.group().routers();
    }

    SimPlanner planner() {
        return planner;
    }

    SimClients clients() {
        return clients;
    }
}
