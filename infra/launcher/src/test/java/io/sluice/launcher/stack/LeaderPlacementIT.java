package io.sluice.launcher.stack;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.WorkerId;
import io.sluice.embedded.EmbeddedBroker;
import io.sluice.embedded.LoopbackPorts;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.TopicAdmin;
import io.sluice.schemas.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.Uuid;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two brokers in two regions; a worker's topic is led where the worker is. */
@Timeout(180)
final class LeaderPlacementIT {
    private static final String HOST = LoopbackPorts.HOST + ":";

    private final String cluster = Uuid.randomUuid().toString();
    private final int[] ports = LoopbackPorts.free(3);

    @TempDir
    Path data;

    @Test
    void shouldLeadAWorkersTopicInItsRegion() throws Exception {
        try (EmbeddedBroker west = EmbeddedBroker.start(broker(1, "west", ports[0]));
                EmbeddedBroker east = EmbeddedBroker.start(broker(2, "east", ports[1]));
                TopicAdmin topics = new TopicAdmin(settings(west), Duration.ofSeconds(60));
                Admin admin = Admin.create(Map.of("bootstrap.servers", east.bootstrap()))) {
            awaitBrokers(admin);
            for (String region : List.of("east", "west", "east")) {
                for (int i = 0; i < 2; i++) {
                    topics.ensureNear(Topics.activations(new WorkerId(region + "-" + i)), region);
                    assertThat(leader(admin, region + "-" + i).rack()).isEqualTo(region);
                }
            }
            topics.ensureNear(Topics.activations(new WorkerId("north-0")), "north");
            assertThat(leader(admin, "north-0").id()).isIn(1, 2);
        }
    }

    private static KafkaSettings settings(EmbeddedBroker broker) {
        return new KafkaSettings(broker.bootstrap(), "http://unused");
    }

    /** The first one is the controller, too. */
    private EmbeddedBroker.Config broker(int id, String rack, int port) {
        Map<String, String> own = new HashMap<>();
        own.put("node.id", Integer.toString(id));
        own.put("broker.rack", rack);
        own.put("controller.quorum.voters", "1@" + HOST + ports[2]);
        if (id == 1) {
            own.put("listeners", "CLIENTS://" + HOST + port + ",CONTROLLER://" + HOST + ports[2]);
        } else {
            own.put("process.roles", "broker");
            own.put("listeners", "CLIENTS://" + HOST + port);
        }
        return new EmbeddedBroker.Config(data.resolve("broker-" + id), port, own, Optional.of(cluster));
    }

    private static void awaitBrokers(Admin admin) throws Exception {
        while (admin.describeCluster().nodes().get(30, TimeUnit.SECONDS).size() < 2) {
            Thread.onSpinWait();
        }
    }

    private static Node leader(Admin admin, String worker) throws Exception {
        String topic = Topics.activations(new WorkerId(worker)).name();
        return admin.describeTopics(List.of(topic))
                .allTopicNames()
                .get(30, TimeUnit.SECONDS)
                .get(topic)
                .partitions()
                .getFirst()
                .leader();
    }
}
