package io.sluice.core.routing;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class StageReplacementTest {
    private static final Pipeline ABC = pipeline("a:0-2", "b:2-4", "c:4-6");

    private static Pipeline pipeline(String... stages) {
        return new Pipeline(Arrays.stream(stages)
                .map(text -> {
                    String[] parts = text.split(":");
                    return new Stage(new WorkerId(parts[0]), LayerRange.parse(parts[1]));
                })
                .toList());
    }

    private static Allocation workers(String... texts) {
        return Allocations.of(1, 6, List.of(texts), "source>a=1");
    }

    private static Optional<Pipeline> replace(Allocation allocation, Map<String, Double> load, String... avoid) {
        Set<WorkerId> avoided = Arrays.stream(avoid).map(WorkerId::new).collect(Collectors.toSet());
        return StageReplacement.replace(
                allocation,
                ABC,
                avoided,
                worker -> !worker.worker().value().startsWith("x"),
                worker -> load.getOrDefault(worker.worker().value(), 0.0));
    }

    @Test
    void shouldReplaceTheLostStageByTheLeastLoadedWorkerThatServesItAll() {
        Allocation allocation = workers("a:0-2", "b:2-4", "c:4-6", "d:2-4", "e:1-5", "f:2-3", "x:2-4");
        assertThat(replace(allocation, Map.of("d", 2.0, "e", 1.0), "b")).contains(pipeline("a:0-2", "e:2-4", "c:4-6"));
        assertThat(replace(allocation, Map.of("d", 1.0, "e", 2.0), "b")).contains(pipeline("a:0-2", "d:2-4", "c:4-6"));
        assertThat(replace(allocation, Map.of(), "b", "d", "e"))
                .as("f serves only half of it, and nobody the rest")
                .isEmpty();
    }

    @Test
    void shouldSplitAStageWhereNobodyServesItAll() {
        assertThat(replace(workers("a:0-2", "c:4-6", "d:2-3", "e:3-6"), Map.of(), "b"))
                .contains(pipeline("a:0-2", "d:2-3", "e:3-4", "c:4-6"));
    }

    @Test
    void shouldUseAWorkerOnceOnly() {
        assertThat(replace(workers("b:2-4", "d:0-6"), Map.of(), "a", "c")).isEmpty();
        assertThat(replace(workers("b:2-4", "d:0-6", "e:4-6"), Map.of(), "a", "c"))
                .contains(pipeline("d:0-2", "b:2-4", "e:4-6"));
    }

    @Test
    void shouldLeaveAHealthyPipelineAlone() {
        assertThat(replace(workers("d:0-6"), Map.of())).contains(ABC);
    }
}
