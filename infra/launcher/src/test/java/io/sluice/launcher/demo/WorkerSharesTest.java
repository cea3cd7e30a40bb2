package io.sluice.launcher.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.Allocation;
import io.sluice.records.Completion;
import io.sluice.records.FinishReason;
import io.sluice.records.Stage;
import io.sluice.records.WorkerFlow;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class WorkerSharesTest {
    private static Allocation allocation(long epoch, double flowA, double flowB) {
        return Allocation.newBuilder()
                .setModel("m")
                .setEpoch(epoch)
                .setPlacementEpoch(1)
                .setLayerCount(2)
                .setWorkers(List.of(flow("a", flowA), flow("b", flowB)))
                .setEdges(List.of())
                .setMaxFlowTokensPerS(flowA + flowB)
                .setBoundTokensPerS(flowA + flowB)
                .setBottleneck(List.of())
                .setReason("")
                .setSolveUs(0)
                .setAtMs(0)
                .build();
    }

    private static WorkerFlow flow(String worker, double flow) {
        return new WorkerFlow(worker, 0, 2, "r", flow, flow, 1000L);
    }

    private static Completion completion(long epoch, String worker, int prompt, int generated) {
        return Completion.newBuilder()
                .setRequestId("r")
                .setModel("m")
                .setTenant("t")
                .setText("")
                .setPromptTokenIds(Collections.nCopies(prompt, 1))
                .setTokenIds(Collections.nCopies(generated, 1))
                .setPromptTokens(prompt)
                .setCompletionTokens(generated)
                .setFinishReason(FinishReason.LENGTH)
                .setAttempt(1)
                .setEpoch(epoch)
                .setPipeline(List.of(new Stage(worker, 0, 2)))
                .setArrivalMs(0)
                .setAssignedMs(0)
                .setFirstTokenMs(0)
                .setFinishedMs(0)
                .setHops(List.of())
                .build();
    }

    @Test
    void shouldWeighByTokensAndUseTheEpochOfEachRequest() {
        var shares = WorkerShares.of(
                List.of(completion(1, "a", 10, 20), completion(2, "b", 5, 5)),
                Map.of(1L, allocation(1, 3, 1), 2L, allocation(2, 1, 1)));
        assertThat(shares)
                .containsExactlyInAnyOrder(
                        new WorkerShares.Share("a", "0-2", (30 * 0.75 + 10 * 0.5) / 40, 30.0 / 40),
                        new WorkerShares.Share("b", "0-2", (30 * 0.25 + 10 * 0.5) / 40, 10.0 / 40));
    }

    @Test
    void shouldLeaveOutWhatHasNoKnownPlan() {
        assertThat(WorkerShares.of(List.of(completion(9, "a", 1, 1)), Map.of(1L, allocation(1, 1, 1))))
                .allSatisfy(share -> assertThat(share.measured()).isZero());
    }
}
