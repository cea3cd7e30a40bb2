package io.sluice.launcher.bench.recovery;

import io.sluice.core.Pipeline;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.Assignment;
import io.sluice.core.recovery.RecoveryPlan;
import io.sluice.core.recovery.RecoveryPlanner;
import io.sluice.core.recovery.StageResume;
import io.sluice.core.recovery.StepTrace;
import io.sluice.launcher.bench.recovery.ActivationLog.Chunk;
import io.sluice.runtime.ActivationCodec;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.PromptChunks;
import io.sluice.runtime.Sampler;
import io.sluice.runtime.SamplingParams;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * One greedy generation over a {@link StageRow} under failures. A stage is lost at the moment the step's input reaches
 * it, so that the stages before it have worked in vain; a worker of another name, with its layers loaded and an empty
 * KV cache, takes its place. Hidden states pass in fp16, as between workers. Not thread-safe.
 */
public final class Generation implements AutoCloseable {
    /** Positions of a prefill chunk, the default of real workers. */
    static final int PREFILL_CHUNK = 128;

    private final StageRow stages;
    private final int[] prompt;
    private final int wanted;
    private final Way way;
    private final FailureDraws draws;
    private final ActivationLog log = new ActivationLog();
    private final List<KvSlot> slots = new ArrayList<>();
    private final List<WorkerId> workers = new ArrayList<>();
    private final List<Assignment> assignments = new ArrayList<>();
    private final List<StepTrace> traces = new ArrayList<>();
    private final List<Integer> tokens = new ArrayList<>();
    private final long[] firstOffsets;
    private final long[] offsets;
    private long begunSteps;
    private int furthest;
    private int failures;
    private int workersMade;
    private long recoveryNanos;

    /**
     * What came of a generation.
     *
     * @param tokens generated ids; fewer than wanted when the time was over
     * @param furthest most tokens it ever had
     * @param seconds from the prompt to the last token
     * @param failures losses of a stage
     * @param recoverySeconds spent on rebuilding or replaying; a restart's repeated work is not told apart
     */
    public record Outcome(List<Integer> tokens, int furthest, double seconds, int failures, double recoverySeconds) {
        public Outcome {
            tokens = List.copyOf(tokens);
        }

        public boolean finished(int wanted) {
            return tokens.size() == wanted;
        }
    }

    /** @param wanted tokens to generate */
    public Generation(StageRow stages, int[] prompt, int wanted, Way way, FailureDraws draws) {
        this.stages = stages;
        this.prompt = prompt.clone();
        this.wanted = wanted;
        this.way = way;
        this.draws = draws;
        firstOffsets = new long[stages.size()];
        offsets = new long[stages.size()];
    }

    /**
     * Generates; what has not ended in time stays as it is.
     *
     * @param limitSeconds after so long no further step begins
     */
    public Outcome run(double limitSeconds) {
        long begin = System.nanoTime();
        begin();
        while (tokens.size() < wanted && System.nanoTime() - begin < limitSeconds * 1e9) {
            advance();
        }
        return new Outcome(tokens, furthest, (System.nanoTime() - begin) / 1e9, failures, recoveryNanos / 1e9);
    }

    /** Begins, or begins again, with the prompt before it. */
    void begin() {
        startAgain();
    }

    /** Runs what leads to the next token, and recovers when a stage is lost on the way. */
    void advance() {
        int lost = step();
        if (lost >= 0) {
            failures++;
            recover(lost);
        }
    }

    @Override
    public void close() {
        for (int stage = 0; stage < slots.size(); stage++) {
            stages.runner(stage).release(slots.get(stage));
        }
        slots.clear();
    }

    private void startAgain() {
        close();
        assignments.clear();
        traces.clear();
        tokens.clear();
        workers.clear();
        log.clear();
        for (int stage = 0; stage < stages.size(); stage++) {
            workers.add(freshWorker(stage));
            slots.add(reserve(stage));
        }
        begin(Assignment.fresh(1, pipeline()));
    }

    private void begin(Assignment assignment) {
        assignments.add(assignment);
        Arrays.fill(firstOffsets, -1);
        Arrays.fill(offsets, -1);
    }

    private WorkerId freshWorker(int stage) {
        return new WorkerId("stage-" + stage + "-" + workersMade++);
    }

    private Pipeline pipeline() {
        return new Pipeline(IntStream.range(0, stages.size())
                .mapToObj(i -> stages.stage(i, workers.get(i)))
                .toList());
    }

    private KvSlot reserve(int stage) {
        return stages.runner(stage)
                .reserve(prompt.length + wanted)
                .orElseThrow(() -> new IllegalStateException("no room in the KV cache of stage " + stage));
    }

    /** Runs what leads to the next token; returns the stage that was lost on the way, or -1 with the token taken. */
    private int step() {
        long step = begunSteps++;
        int position = slots.getFirst().length();
        int end = prompt.length + tokens.size();
        long begin = System.nanoTime();
        boolean replay = !tokens.isEmpty() && end - position > 1;
        FloatBuffer logits = null;
        for (int size : chunks(position, end)) {
            boolean last = position + size == end;
            Pass pass = pass(position, size, last, step);
            if (pass.lost() >= 0) {
                return pass.lost();
            }
            logits = pass.logits();
            position += size;
        }
        tokens.add(Sampler.sample(logits, SamplingParams.GREEDY, end));
        furthest = Math.max(furthest, tokens.size());
        if (way.keepsLog()) {
            traces.add(new StepTrace(
                    assignments.getLast().attempt(),
                    IntStream.range(0, stages.size())
                            .mapToObj(i -> new StepTrace.Hop(workers.get(i), firstOffsets[i], offsets[i]))
                            .toList()));
        }
        if (replay) {
            recoveryNanos += System.nanoTime() - begin;
        }
        return -1;
    }

    /** How positions {@code [from, end)} are cut: as prompts are, and at the prompt's end where bits count. */
    private List<Integer> chunks(int from, int end) {
        int together = way.exact() ? Math.max(from, Math.min(end, prompt.length)) : end;
        List<Integer> sizes = new ArrayList<>();
        if (from < together) {
            sizes.addAll(PromptChunks.split(together - from, PREFILL_CHUNK));
        }
        if (together < end) {
            sizes.addAll(PromptChunks.split(end - together, PREFILL_CHUNK));
        }
        return sizes;
    }

    /** @param lost stage, or -1 */
    private record Pass(int lost, FloatBuffer logits) {}

    /** Positions {@code [position, position + count)} through all stages that want some of them. */
    private Pass pass(int position, int count, boolean last, long step) {
        FloatBuffer hidden = null;
        int from = position;
        int end = position + count;
        int width = stages.model().hiddenSize();
        FloatBuffer logits = null;
        for (int stage = 0; stage < stages.size(); stage++) {
            int start = Math.max(from, assignments.getLast().stages().get(stage).start());
            if (start >= end) {
                break;
            }
            if (stage > 0) {
                int skipped = (start - from) * width;
                hidden = send(
                        stage, start, end - start, hidden.slice(hidden.position() + skipped, (end - start) * width));
            }
            from = start;
            if (last && draws.strikes(step, stage)) {
                return new Pass(stage, null);
            }
            StageOutput output = compute(stage, from, end - from, hidden, last && stage == stages.size() - 1);
            hidden = output.hidden();
            logits = output.logits();
        }
        return new Pass(-1, logits);
    }

    /** Encodes, appends to the receiver's topic where somebody will read it again, and decodes as the receiver does. */
    private FloatBuffer send(int stage, int position, int count, FloatBuffer hidden) {
        int width = stages.model().hiddenSize();
        ByteBuffer payload = ActivationCodec.encode(hidden, count, width, ActivationDtype.FP16);
        if (way.keepsLog()) {
            offsets[stage] = log.append(workers.get(stage), new Chunk(position, count, payload));
            if (firstOffsets[stage] < 0) {
                firstOffsets[stage] = offsets[stage];
            }
        }
        return ActivationCodec.decode(payload, count, width, ActivationDtype.FP16);
    }

    private StageOutput compute(int stage, int position, int count, FloatBuffer hidden, boolean needLogits) {
        StageRunner runner = stages.runner(stage);
        int[] ids = stage > 0 ? null : ids(position, count);
        return runner.run(List.of(new StageInput(
                        slots.get(stage),
                        position,
                        count,
                        ids,
                        hidden,
                        runner.layers().first(),
                        needLogits,
                        way.exact() && position >= prompt.length)))
                .getFirst();
    }

    private int[] ids(int position, int count) {
        return IntStream.range(position, position + count)
                .map(i -> i < prompt.length ? prompt[i] : tokens.get(i - prompt.length))
                .toArray();
    }

    private void recover(int lost) {
        if (way == Way.RESTART) {
            startAgain();
            return;
        }
        long begin = System.nanoTime();
        WorkerId gone = workers.get(lost);
        workers.set(lost, freshWorker(lost));
        RecoveryPlan plan = way.keepsLog()
                ? RecoveryPlanner.plan(
                        assignments, traces, prompt.length, pipeline(), Set.of(gone), true, stages.costs())
                : replay();
        begin(plan.assignment());
        for (int stage = 0; stage < stages.size(); stage++) {
            resume(stage, plan.assignment().stages().get(stage));
        }
        recoveryNanos += System.nanoTime() - begin;
    }

    private RecoveryPlan replay() {
        List<StageResume> fresh =
                workers.stream().map(ignored -> StageResume.fresh()).toList();
        int position = tokens.isEmpty() ? 0 : prompt.length + tokens.size() - 1;
        return new RecoveryPlan(
                new Assignment(assignments.getLast().attempt() + 1, pipeline(), position, fresh), 0, "everything");
    }

    private void resume(int stage, StageResume resume) {
        switch (resume.mode()) {
            case KEEP -> stages.runner(stage).truncate(slots.get(stage), resume.start());
            case FRESH -> renew(stage);
            case REBUILD -> {
                renew(stage);
                rebuild(stage, resume);
            }
        }
    }

    private void renew(int stage) {
        stages.runner(stage).release(slots.get(stage));
        slots.set(stage, reserve(stage));
    }

    private void rebuild(int stage, StageResume resume) {
        int width = stages.model().hiddenSize();
        int rowBytes = width * ActivationDtype.FP16.bytes();
        List<ByteBuffer> rows = log.rows(resume.log(), resume.start(), rowBytes);
        int position = 0;
        for (int size : chunks(0, resume.start())) {
            ByteBuffer payload = ByteBuffer.allocate(size * rowBytes);
            rows.subList(position, position + size).forEach(row -> payload.put(row.duplicate()));
            FloatBuffer hidden = ActivationCodec.decode(payload.flip(), size, width, ActivationDtype.FP16);
            compute(stage, position, size, hidden, false);
            position += size;
        }
    }
}
