package io.sluice.messaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class AllocationCodecTest {
    private static final Allocation ALLOCATION = new Allocation(
            "psalm",
            7,
            2,
            6,
            List.of(
                    new Allocation.WorkerFlow(new WorkerId("w1"), new LayerRange(0, 4), "eu", 300, 250, 1_000),
                    new Allocation.WorkerFlow(new WorkerId("w2"), new LayerRange(4, 6), "eu", 260, 250, 2_000)),
            List.of(
                    new Allocation.EdgeFlow(Allocation.SOURCE, "w1", 1e9, 250),
                    new Allocation.EdgeFlow("w1", "w2", 400, 250),
                    new Allocation.EdgeFlow("w2", Allocation.SINK, 1e9, 250)),
            250,
            260,
            List.of("w2"));

    @Test
    void shouldSurviveTheRoundTrip() {
        io.sluice.records.Allocation record = AllocationCodec.encode(ALLOCATION, "worker joined", 310, 1_000);

        assertThat(record.getReason()).isEqualTo("worker joined");
        assertThat(record.getSolveUs()).isEqualTo(310);
        assertThat(record.getAtMs()).isEqualTo(1_000);
        assertThat(AllocationCodec.decode(record)).isEqualTo(ALLOCATION);
    }

    @Test
    void shouldNameFieldAndValueOfNonsense() {
        assertRejected(
                record -> record.getWorkers().getFirst().setFlowTokensPerS(Double.NaN),
                "worker w1",
                "flow_tokens_per_s NaN");
        assertRejected(
                record -> record.getWorkers().getFirst().setCapacityTokensPerS(-1.0),
                "worker w1",
                "capacity_tokens_per_s -1.0");
        assertRejected(record -> record.getWorkers().getFirst().setEndLayer(0), "worker w1", "end_layer 0");
        assertRejected(record -> record.getWorkers().getFirst().setWorker("W 1"), "worker id 'W 1'");
        assertRejected(record -> record.getWorkers().getFirst().setKvCapacityTokens(-5L), "kv_capacity_tokens -5");
        assertRejected(
                record -> record.getEdges().get(1).setFlowTokensPerS(Double.POSITIVE_INFINITY),
                "edge w1>w2",
                "flow_tokens_per_s Infinity");
        assertRejected(record -> record.setMaxFlowTokensPerS(Double.NaN), "max_flow_tokens_per_s NaN");
        assertRejected(record -> record.setEpoch(0L), "epoch 0");
    }

    private static void assertRejected(Consumer<io.sluice.records.Allocation> spoil, String... messages) {
        io.sluice.records.Allocation record = AllocationCodec.encode(ALLOCATION, "r", 1, 1);
        spoil.accept(record);
        assertThatThrownBy(() -> AllocationCodec.decode(record))
                .isInstanceOf(IllegalArgumentException.class)
                .satisfies(e -> assertThat(e.getMessage()).contains(messages));
    }
}
