package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.runtime.StageRunner.StageRun;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A batch under way at a {@link FakeStageRunner}; what it computes it computes at the end, if its slots are still there and
 * as long.
 */
final class FakeRun implements StageRun {
    private final FakeStageRunner runner;
    private final List<StageInput> batch;
    private final List<FakeSlot> left = new ArrayList<>();
    private final List<Integer> stamps;
    private final int end;
    private int next;
    private int headDone;

    FakeRun(FakeStageRunner runner, List<StageInput> batch) {
        this.runner = runner;
        this.batch = List.copyOf(batch);
        stamps = batch.stream().map(input -> ((FakeSlot) input.slot()).stamp).toList();
        next = batch.stream().mapToInt(StageInput::enterLayer).min().orElse(0);
        end = batch.stream()
                .mapToInt(input -> input.slot().layers().end())
                .max()
                .orElse(0);
    }

    List<StageInput> batch() {
        return batch;
    }

    private boolean counts(int i) {
        FakeSlot slot = (FakeSlot) batch.get(i).slot();
        return runner.live.contains(slot) && slot.stamp == stamps.get(i) && !left.contains(slot);
    }

    boolean counts(FakeSlot slot) {
        return IntStream.range(0, batch.size()).anyMatch(i -> batch.get(i).slot() == slot && counts(i));
    }

    @Override
    public int nextLayer() {
        return next;
    }

    @Override
    public int layersLeft() {
        return end - next;
    }

    @Override
    public int headLeft() {
        boolean wanted =
                IntStream.range(0, batch.size()).anyMatch(i -> batch.get(i).needLogits() && counts(i));
        return wanted ? FakeStageRunner.HEAD_PARTS - headDone : 0;
    }

    @Override
    public int advance(int layers) {
        assertThat(runner.underWay).contains(this);
        int count = Math.min(layers, end - next);
        for (int i = 0; i < batch.size(); i++) {
            if (counts(i)) {
                assertThat(runner.held().contains(batch.get(i).slot().layers())).isTrue();
                try {
                    runner.requireHealthy(batch.get(i));
                } catch (IllegalArgumentException e) {
                    abandon();
                    throw e;
                }
            }
        }
        next += count;
        runner.atWork = batch;
        runner.onLayers.accept(count);
        return count;
    }

    @Override
    public int advanceHead(int parts) {
        assertThat(runner.underWay).contains(this);
        assertThat(next).isEqualTo(end);
        int count = Math.min(parts, headLeft());
        headDone += count;
        runner.onHead.accept(count);
        return count;
    }

    @Override
    public int advanceBeside(int lane, int layers) {
        if (!runner.underWay.contains(this)) {
            throw new IllegalStateException("the batch is over");
        }
        runner.onBeside.run();
        for (int i = 0; i < batch.size(); i++) {
            if (counts(i)) {
                runner.requireHealthy(batch.get(i));
            }
        }
        int count = Math.min(layers, end - next);
        next += count;
        return count;
    }

    @Override
    public int advanceHeadBeside(int lane, int parts) {
        if (!runner.underWay.contains(this)) {
            throw new IllegalStateException("the batch is over");
        }
        assertThat(next).isEqualTo(end);
        runner.onBeside.run();
        int count = Math.min(parts, headLeft());
        headDone += count;
        return count;
    }

    @Override
    public void drop(KvSlot slot) {
        left.add((FakeSlot) slot);
    }

    @Override
    public List<StageOutput> finish() {
        assertThat(next).isEqualTo(end);
        assertThat(headLeft()).as("the worker runs the head part by part").isZero();
        assertThat(runner.underWay.remove(this)).as("a batch ends once").isTrue();
        List<StageInput> counted = new ArrayList<>();
        List<StageOutput> outputs = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            boolean counts = counts(i);
            outputs.add(counts ? runner.run(batch.get(i)) : new StageOutput(null, null));
            if (counts) {
                counted.add(batch.get(i));
            }
        }
        runner.resumed.add(counted);
        return outputs;
    }

    @Override
    public void abandon() {
        runner.underWay.remove(this);
    }
}
