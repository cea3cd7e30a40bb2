package io.sluice.messaging;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * On which brokers a topic that one worker reads has its replicas: the leader in the worker's region, so that what it reads
 * crosses the wide area once and not twice. A broker's rack ({@code broker.rack}) is its region. Stateless.
 */
final class ReplicaChoice {
    private ReplicaChoice() {}

    /**
     * A broker.
     *
     * @param rack its region; empty: unknown
     * @param led partitions it leads of topics like this one
     */
    record Broker(int id, Optional<String> rack, long led) {
        Broker {
            Objects.requireNonNull(rack, "rack");
        }
    }

    /**
     * The replicas of a partition, leader first: the leader is the broker of the region that leads the fewest, then of the
     * smallest id; the others are, as far as there are any, in other racks.
     *
     * @return empty when no broker is in the region, or there are fewer brokers than replicas: the cluster decides then
     */
    static Optional<List<Integer>> near(String region, List<Broker> brokers, int replicas) {
        Comparator<Broker> idle = Comparator.comparingLong(Broker::led).thenComparingInt(Broker::id);
        List<Broker> sorted = brokers.stream().sorted(idle).toList();
        Optional<Broker> leader = sorted.stream()
                .filter(broker -> broker.rack.filter(region::equals).isPresent())
                .findFirst();
        if (leader.isEmpty() || replicas < 1 || replicas > brokers.size()) {
            return Optional.empty();
        }
        List<Broker> chosen = new ArrayList<>(List.of(leader.get()));
        // A copy in the same region would be lost with it.
        for (boolean sameRack : new boolean[] {false, true}) {
            for (Broker broker : sorted) {
                boolean taken = chosen.contains(broker);
                boolean shares = chosen.stream().anyMatch(other -> other.rack.equals(broker.rack));
                if (!taken && chosen.size() < replicas && (sameRack || !shares)) {
                    chosen.add(broker);
                }
            }
        }
        return Optional.of(chosen.stream().map(Broker::id).toList());
    }
}
