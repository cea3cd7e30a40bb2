package io.sluice.simtest;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The coordinator of the routers' group: says who owns which partition. A partition changes hands only when its former
 * owner has committed and let go of it, or has not been heard of for a session time-out: then what that one still has
 * in its transaction is refused, though workers may have read the chunks of it.
 */
final class RouterGroup {
    private static final long LOOK_MICROS = 100_000;
    private static final long SESSION_MICROS = 1_500_000;
    private static final long REBALANCE_MICROS = 50_000;

    private final World world;
    private final List<SimRouter> routers = new ArrayList<>();
    private final Map<String, Long> heardMicros = new TreeMap<>();
    /** Life in which a router is a member. */
    private final Map<String, Integer> lives = new TreeMap<>();

    private final Map<Integer, SimRouter> owners = new TreeMap<>();
    /** Shifts who gets which. */
    private int turn;

    RouterGroup(World world) {
        this.world = world;
    }

    void add(SimRouter router) {
        routers.add(router);
    }

    List<SimRouter> routers() {
        return routers;
    }

    void start() {
        look();
    }

    /** A process has started; whatever it owned before, it has no more. */
    void joins(SimRouter router) {
        world.at(world.nowMicros() + REBALANCE_MICROS, () -> {
            if (router.isAlive() && !router.isCutOff()) {
                lives.put(router.name, router.life());
                heardMicros.put(router.name, world.nowMicros());
                assign();
            } else if (router.isAlive()) {
                joins(router);
            }
        });
    }

    private void look() {
        long now = world.nowMicros();
        for (SimRouter router : routers) {
            if (isMember(router) && !router.isCutOff()) {
                heardMicros.put(router.name, now);
            } else if (lives.containsKey(router.name) && now - heardMicros.get(router.name) > SESSION_MICROS) {
                lives.remove(router.name);
                assign();
            }
        }
        world.at(now + LOOK_MICROS, this::look);
    }

    /** Whether this life of the router still counts. */
    boolean isMember(SimRouter router) {
        return router.isAlive() && lives.getOrDefault(router.name, -1) == router.life();
    }

    SimRouter ownerOf(Partition partition) {
        return owners.get(partition.number);
    }

    /** Others get what each one has; false when there is nobody to change with. */
    boolean rebalance() {
        if (lives.size() < 2) {
            return false;
        }
        turn++;
        assign();
        return true;
    }

    private void assign() {
        List<SimRouter> members = routers.stream()
                .filter(router -> lives.containsKey(router.name))
                .toList();
        if (members.isEmpty()) {
            return;
        }
        for (Partition partition : world.partitions()) {
            owners.put(partition.number, members.get((partition.number + turn) % members.size()));
            hand(partition);
        }
    }

    /** A partition is free. */
    void released(Partition partition) {
        hand(partition);
    }

    private void hand(Partition partition) {
        SimRouter owner = owners.get(partition.number);
        boolean held = routers.stream().anyMatch(router -> isMember(router) && router.owns(partition));
        if (!held && owner != null && isMember(owner)) {
            owner.take(partition);
        }
    }
}
