package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.sharing.SharingLimits;
import io.sluice.records.ActivationChunk;
import java.util.List;

/** A cluster whose layers take a time by the test's clock, and limits to run best-effort work on it. */
abstract class OnBestEffortCluster {
    /** What a layer takes, nanoseconds. */
    static final long LAYER = 1_000_000;

    final LocalCluster cluster = new LocalCluster();
    long epoch;

    /** Each layer takes its time at every stage. */
    void stages(int count) {
        cluster.stages(count);
        cluster.members
                .values()
                .forEach(member -> member.fake().onLayers = layers -> cluster.clock.addAndGet(layers * LAYER));
    }

    /** One session of each size that the tests have, so that all lengths are known. */
    void warmUp() {
        for (int i = 0; i < 3; i++) {
            cluster.first().deliver(prompt("warm" + i, "t", ids(i, 500), 8));
            settle();
        }
        cluster.tokens.clear();
        cluster.first().fake().resumed.clear();
    }

    /** The whole device is allowed, until further notice. */
    void allow(long sliceNanos) {
        limits(sliceNanos, Long.MAX_VALUE);
    }

    void limits(long sliceNanos, long untilNanos) {
        cluster.limit(new SharingLimits(++epoch, 1, sliceNanos, 1, untilNanos));
    }

    ActivationChunk prompt(String session, String tenant, List<Integer> ids, int maxTokens) {
        return prompt(session, tenant, 1, ids, maxTokens);
    }

    ActivationChunk prompt(String session, String tenant, double weight, List<Integer> ids, int maxTokens) {
        ActivationChunk chunk = cluster.bestEffort(session, tenant, ids, maxTokens);
        chunk.getSetup().setWeight(weight);
        return chunk;
    }

    void settle() {
        cluster.settleInTime();
    }

    void assertTexts(List<List<Integer>> prompts, int tokens) {
        for (int i = 0; i < prompts.size(); i++) {
            assertThat(cluster.generated("r" + i))
                    .as("session %d", i)
                    .isEqualTo(FakeStageRunner.expected(prompts.get(i), tokens));
        }
    }
}
