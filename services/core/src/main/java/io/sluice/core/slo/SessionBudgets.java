package io.sluice.core.slo;

import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.recovery.RecoveryCosts;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The budgets that a session brings to its stages: its objectives, divided by {@link BudgetSplit} for the pipeline that it
 * has. Of the objective for the first token comes off what the request has waited for its pipeline. A link counts as what
 * steps over it have taken, until then as what is planned of it; a prompt's further positions as planned. Immutable.
 *
 * @param stages one per stage, in the pipeline's order; empty: the request has no objectives
 * @param attainable whether stages that run at their full speed would keep them, as far as is known
 */
public record SessionBudgets(List<StageBudget> stages, boolean attainable) {
    public static final SessionBudgets NONE = new SessionBudgets(List.of(), true);

    public SessionBudgets {
        stages = List.copyOf(stages);
    }

    /**
     * Divides a request's objectives.
     *
     * @param waitedSeconds since the request's arrival
     * @param costs what stages and links take by the plan
     * @param links what steps over links took
     * @param router the name under which {@code links} knows whoever sends prompts
     */
    public static SessionBudgets of(
            Slo slo,
            Pipeline pipeline,
            int promptTokens,
            double waitedSeconds,
            RecoveryCosts costs,
            LinkTimes links,
            String router) {
        if (slo.isNone()) {
            return NONE;
        }
        List<Stage> stages = pipeline.stages();
        List<Integer> layers = stages.stream().map(s -> s.layers().size()).toList();
        double there = 0;
        double promptThere = links.seconds(router, pipeline.first().worker()).orElse(0);
        for (int i = 1; i < stages.size(); i++) {
            double hop = hop(stages.get(i - 1), stages.get(i), costs, links);
            there += hop;
            promptThere += hop + costs.transferSeconds(stages.get(i).worker(), promptTokens - 1);
        }
        double back = stages.size() == 1 ? 0 : hop(pipeline.last(), pipeline.first(), costs, links);
        BudgetSplit ttft = slo.ttftMs().isEmpty()
                ? nothing(stages.size())
                : BudgetSplit.of(
                        slo.ttftMs().getAsLong() / 1e3 - waitedSeconds,
                        promptThere,
                        compute(stages, promptTokens, costs),
                        layers);
        BudgetSplit tpot = slo.tpotMs().isEmpty()
                ? nothing(stages.size())
                : BudgetSplit.of(slo.tpotMs().getAsLong() / 1e3, there + back, compute(stages, 1, costs), layers);
        List<StageBudget> budgets = new ArrayList<>(stages.size());
        for (int i = 0; i < stages.size(); i++) {
            budgets.add(new StageBudget(ttft.micros().get(i), tpot.micros().get(i)));
        }
        return new SessionBudgets(budgets, ttft.attainable() && tpot.attainable());
    }

    private static BudgetSplit nothing(int stages) {
        return new BudgetSplit(Collections.nCopies(stages, 0L), true);
    }

    private static double hop(Stage from, Stage to, RecoveryCosts costs, LinkTimes links) {
        return links.seconds(from.worker().value(), to.worker()).orElseGet(() -> costs.transferSeconds(to.worker(), 1));
    }

    private static List<Double> compute(List<Stage> stages, int tokens, RecoveryCosts costs) {
        return stages.stream().map(stage -> costs.computeSeconds(stage, tokens)).toList();
    }
}
