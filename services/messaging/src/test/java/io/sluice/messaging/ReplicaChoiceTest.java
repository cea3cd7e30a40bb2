package io.sluice.messaging;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.messaging.ReplicaChoice.Broker;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class ReplicaChoiceTest {
    private static Broker broker(int id, String rack, long led) {
        return new Broker(id, Optional.ofNullable(rack), led);
    }

    @Test
    void shouldLeadInTheRegionOfTheWorker() {
        List<Broker> brokers = List.of(broker(1, "east", 0), broker(2, "west", 0), broker(3, "west", 0));
        assertThat(ReplicaChoice.near("west", brokers, 1)).contains(List.of(2));
        assertThat(ReplicaChoice.near("east", brokers, 1)).contains(List.of(1));
    }

    @Test
    void shouldLeadWhereTheFewestAreLed() {
        List<Broker> brokers = List.of(broker(1, "west", 3), broker(2, "west", 2), broker(3, "east", 0));
        assertThat(ReplicaChoice.near("west", brokers, 1)).contains(List.of(2));
    }

    @Test
    void shouldCopyToOtherRegionsFirst() {
        List<Broker> brokers =
                List.of(broker(1, "west", 0), broker(2, "west", 0), broker(3, "east", 9), broker(4, "north", 9));
        assertThat(ReplicaChoice.near("west", brokers, 3)).contains(List.of(1, 3, 4));
        assertThat(ReplicaChoice.near("west", brokers, 4)).contains(List.of(1, 3, 4, 2));
    }

    @Test
    void shouldLeaveItToTheClusterWhereItHasNoRacksOrTooFewBrokers() {
        assertThat(ReplicaChoice.near("west", List.of(broker(1, null, 0)), 1)).isEmpty();
        assertThat(ReplicaChoice.near("west", List.of(broker(1, "east", 0)), 1)).isEmpty();
        assertThat(ReplicaChoice.near("west", List.of(broker(1, "west", 0)), 2)).isEmpty();
        assertThat(ReplicaChoice.near("west", List.of(), 1)).isEmpty();
    }

    @Test
    void shouldAlwaysNameDistinctBrokersAndALeaderInTheRegion() {
        SplittableRandom random = new SplittableRandom(8);
        for (int round = 0; round < 2_000; round++) {
            List<Broker> brokers = new ArrayList<>();
            for (int id = 0; id < random.nextInt(1, 9); id++) {
                brokers.add(broker(id, random.nextInt(4) == 0 ? null : "r" + random.nextInt(3), random.nextInt(4)));
            }
            int replicas = random.nextInt(1, 5);
            ReplicaChoice.near("r1", brokers, replicas).ifPresent(chosen -> {
                assertThat(new HashSet<>(chosen)).hasSize(replicas);
                assertThat(brokers.get(chosen.getFirst()).rack()).contains("r1");
            });
        }
    }
}
