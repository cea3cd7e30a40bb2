package io.sluice.launcher.demo;

import io.sluice.records.Allocation;
import io.sluice.records.Completion;
import io.sluice.records.Stage;
import io.sluice.records.WorkerFlow;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Which share of all tokens each worker was planned to carry and did carry. A request counts its prompt and its generated
 * tokens; the plan that counts for it is the allocation under which its pipeline was chosen.
 */
public final class WorkerShares {
    private WorkerShares() {}

    /**
     * One worker's shares, each in [0, 1].
     *
     * @param layers half-open range it holds, as {@code first-end}
     */
    public record Share(String worker, String layers, double planned, double measured) {}

    /**
     * Shares over the given completions.
     *
     * @param allocations by epoch; completions under an epoch that is not there are left out
     * @return ordered as in the newest allocation: by first layer, then worker id
     */
    public static List<Share> of(List<Completion> completions, Map<Long, Allocation> allocations) {
        Map<String, double[]> sums = new LinkedHashMap<>();
        Map<String, String> layers = new LinkedHashMap<>();
        // The topic may still hold allocations of former stacks; only those in force count.
        completions.stream()
                .map(completion -> allocations.get(completion.getEpoch()))
                .filter(Objects::nonNull)
                .distinct()
                .forEach(allocation -> allocation.getWorkers().forEach(flow -> {
                    sums.putIfAbsent(flow.getWorker(), new double[2]);
                    layers.put(flow.getWorker(), flow.getFirstLayer() + "-" + flow.getEndLayer());
                }));
        double all = 0;
        for (Completion completion : completions) {
            Allocation allocation = allocations.get(completion.getEpoch());
            if (allocation == null || allocation.getMaxFlowTokensPerS() <= 0) {
                continue;
            }
            double tokens = completion.getPromptTokens() + completion.getCompletionTokens();
            all += tokens;
            for (WorkerFlow flow : allocation.getWorkers()) {
                sums.get(flow.getWorker())[0] += tokens * flow.getFlowTokensPerS() / allocation.getMaxFlowTokensPerS();
            }
            for (Stage stage : completion.getPipeline()) {
                sums.get(stage.getWorker())[1] += tokens;
            }
        }
        List<Share> shares = new ArrayList<>();
        for (Map.Entry<String, double[]> sum : sums.entrySet()) {
            double planned = all == 0 ? 0 : sum.getValue()[0] / all;
            double measured = all == 0 ? 0 : sum.getValue()[1] / all;
            shares.add(new Share(sum.getKey(), layers.get(sum.getKey()), planned, measured));
        }
        return shares;
    }
}
