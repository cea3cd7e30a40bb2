package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.HeldLayers;
import io.sluice.worker.device.CpuDevice;
import java.util.List;
import java.util.Optional;

/** A cluster whose workers load and drop layers as placements say. */
abstract class OnKeptLayers {
    static final long KV = 100_000;

    final LocalCluster cluster = new LocalCluster();

    Member spare(String name, int maxLayers) {
        return cluster.add(
                LocalCluster.settings(name, ActivationDtype.FP16, 16),
                new FakeStageRunner(Optional.empty(), 3 * KV),
                new CpuDevice(),
                new FakeTokenizer(),
                maxLayers);
    }

    /** Starts a session over what is served now and lets it write a few tokens. */
    void start(String session) {
        cluster.first().deliver(cluster.prompt(session, 1, ids(session.hashCode(), 20), 60));
        cluster.rounds(8);
        assertThat(cluster.generated(session)).isNotEmpty();
    }

    void assertComplete(String session) {
        List<Integer> prompt = ids(session.hashCode(), 20);
        List<Integer> generated = cluster.generated(session);
        assertThat(generated).hasSizeGreaterThanOrEqualTo(8);
        assertThat(generated).isEqualTo(FakeStageRunner.expected(prompt, generated.size()));
        assertThat(cluster.tokens)
                .anyMatch(token -> token.getRequestId().equals(session) && token.getFinishReason() != null);
        assertThat(cluster.failures.stream().map(LocalCluster.Failure::session)).doesNotContain(session);
    }

    double transitions(String worker, String outcome) {
        var timer = cluster.meters
                .find("sluice.worker.transition")
                .tags("worker", worker, "outcome", outcome)
                .timer();
        return timer == null ? 0 : timer.count();
    }

    static HeldLayers held(int first, int end) {
        return HeldLayers.of(new LayerRange(first, end));
    }
}
