package io.sluice.worker;

import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.StageResume;
import io.sluice.core.routing.KvReservation;
import io.sluice.core.sharing.TenantId;
import io.sluice.core.slo.StageBudget;
import io.sluice.core.stage.StageSetup;
import io.sluice.messaging.ResumeCodec;
import io.sluice.messaging.StageCodec;
import io.sluice.records.ServiceClass;
import io.sluice.records.SessionResume;
import io.sluice.records.SessionSetup;
import io.sluice.runtime.SamplingParams;
import java.util.List;

/**
 * What this worker must know of a session, checked. Immutable.
 *
 * @param setup as received, to be passed on; not changed by anybody
 * @param sampling how tokens are drawn
 * @param pipeline the session's stages
 * @param index which of them this worker is
 * @param resumes what each stage begins with, in pipeline order
 * @param position first position whose output is new: the last of the prompt unless the attempt resumes
 * @param budget what this stage may use of the request's latency objectives
 */
record SessionPlan(
        SessionSetup setup,
        SamplingParams sampling,
        Pipeline pipeline,
        int index,
        List<StageResume> resumes,
        int position,
        StageBudget budget)
        implements StageSetup {

    /**
     * Checks a set-up; whether its layers are held here is another question, whose answer changes with time.
     *
     * @throws IllegalArgumentException when a value is nonsense or the pipeline does not use this worker; the
     *     message names the value
     */
    static SessionPlan of(SessionSetup setup, String model, int layerCount, WorkerId self) {
        require(model.equals(setup.getModel()), "model", setup.getModel(), "this worker serves " + model);
        require(setup.getPromptTokens() >= 1, "prompt_tokens", setup.getPromptTokens(), "at least 1 is needed");
        require(setup.getMaxTokens() >= 1, "max_tokens", setup.getMaxTokens(), "at least 1 is needed");
        require(
                setup.getKvTokens() >= setup.getPromptTokens() && setup.getKvTokens() <= 1 << 30,
                "kv_tokens",
                setup.getKvTokens(),
                "the prompt alone needs " + setup.getPromptTokens());
        requireTenant(setup);
        SamplingParams sampling =
                new SamplingParams(setup.getTemperature(), setup.getTopK(), setup.getTopP(), setup.getSeed());
        Pipeline pipeline = StageCodec.decodePipeline(setup.getPipeline());
        List<Stage> stages = pipeline.stages();
        int index = stages.stream().map(Stage::worker).toList().indexOf(self);
        require(index >= 0, "pipeline", stages, "worker " + self + " is not in it");
        require(pipeline.layerCount() == layerCount, "pipeline", stages, "the model has " + layerCount + " layers");
        StageBudget budget = budget(setup, index, stages.size());
        SessionResume resume = setup.getResume();
        if (resume == null) {
            List<StageResume> fresh =
                    stages.stream().map(stage -> StageResume.fresh()).toList();
            return new SessionPlan(setup, sampling, pipeline, index, fresh, setup.getPromptTokens() - 1, budget);
        }
        List<StageResume> resumes = ResumeCodec.decode(resume);
        requireSound(setup, resume, resumes, stages.size());
        return new SessionPlan(setup, sampling, pipeline, index, resumes, resume.getPosition(), budget);
    }

    private static StageBudget budget(SessionSetup setup, int index, int stages) {
        List<io.sluice.records.StageBudget> budgets = setup.getBudgets();
        if (budgets.isEmpty()) {
            return StageBudget.NONE;
        }
        require(budgets.size() == stages, "budgets", budgets, "the pipeline has " + stages + " stages");
        return new StageBudget(
                budgets.get(index).getTtftUs(), budgets.get(index).getTpotUs());
    }

    private static void requireTenant(SessionSetup setup) {
        if (setup.getServiceClass() == ServiceClass.BEST_EFFORT) {
            String tenant = setup.getTenant();
            require(TenantId.isValid(tenant), "tenant", tenant, "it must be " + TenantId.RULE);
            double weight = setup.getWeight();
            require(weight >= 1e-6 && weight <= 1e6, "weight", weight, "it must be from 0.000001 to 1000000");
        }
    }

    private static void requireSound(SessionSetup setup, SessionResume resume, List<StageResume> resumes, int stages) {
        int position = resume.getPosition();
        int tokens = resume.getTokenIds().size();
        require(
                tokens >= 1 && position == setup.getPromptTokens() + tokens - 1,
                "resume.position",
                position,
                tokens + " tokens after a prompt of " + setup.getPromptTokens() + " end before position "
                        + ((long) setup.getPromptTokens() + tokens - 1));
        require(position < setup.getKvTokens(), "resume.position", position, "kv_tokens is " + setup.getKvTokens());
        require(resumes.size() == stages, "resume.stages", resumes, "the pipeline has " + stages + " stages");
        for (StageResume stage : resumes) {
            require(stage.start() <= position, "resume start", stage.start(), "the attempt goes on at " + position);
        }
        for (int id : resume.getTokenIds()) {
            require(id >= 0, "resume token id", id, "token ids are not negative");
        }
    }

    @Override
    public boolean bestEffort() {
        return setup.getServiceClass() == ServiceClass.BEST_EFFORT;
    }

    /** Who the session belongs to; for best-effort ones. */
    TenantId tenant() {
        return new TenantId(setup.getTenant());
    }

    /** Share of the tenant among the others; for best-effort ones. */
    double weight() {
        return setup.getWeight();
    }

    @Override
    public int kvTokens() {
        return KvReservation.roundUp(setup.getKvTokens());
    }

    @Override
    public int promptTokens() {
        return setup.getPromptTokens();
    }

    @Override
    public boolean resumed() {
        return setup.getResume() != null;
    }

    private static void require(boolean holds, String field, Object value, String why) {
        if (!holds) {
            throw new IllegalArgumentException("set-up: " + field + " is " + value + "; " + why);
        }
    }
}
