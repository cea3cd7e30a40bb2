package io.sluice.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.simulator.helix.WheelNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Limits of a {@link SmallCluster} machine: two prompts or 100 tokens, three decode steps or 1000 tokens of context. */
class WheelNodeTest {
    private static final double COPY = SmallCluster.COPY_SECONDS_PER_TOKEN;

    private final Topology topology = SmallCluster.of(3, 1000, false, new int[] {0, 3});
    private final WheelNode node = new WheelNode(topology, 0);
    private final Batch batch = new Batch();
    private int requests;

    private Work prompt(int tokens) {
        return new Work(new Request(requests++, tokens, 1), true, 0, tokens);
    }

    private Work decode(int context) {
        return new Work(new Request(requests++, context, 1), false, context, 1);
    }

    private void offer(Work... works) {
        for (Work work : works) {
            node.offer(work, 0);
        }
    }

    private double next() {
        batch.clear();
        return node.next(batch, 0);
    }

    private List<Work> batch() {
        List<Work> works = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            works.add(batch.work(i));
        }
        return works;
    }

    private List<Work> finish() {
        List<Work> left = new ArrayList<>();
        node.finish(batch, 0, left::add);
        return left;
    }

    @Test
    void shouldSkipWhatDoesNotFitAndTakeWhatComesLater() {
        Work big = prompt(70);
        Work tooMuch = prompt(50);
        Work small = prompt(30);
        Work third = prompt(1);
        Work long1 = decode(900);
        Work long2 = decode(200);
        Work short1 = decode(100);
        offer(big, tooMuch, long1, long2, small, third, short1);

        next();

        assertThat(batch()).containsExactly(big, long1, small, short1);
        assertThat(node.waiting()).isEqualTo(3);
    }

    @Test
    void shouldAddTheTimesOfPromptsAndDecodeSteps() {
        offer(prompt(40), decode(5), decode(5));

        assertThat(next()).isCloseTo(0.4 + 0.1 + 42 * COPY, within(1e-12));
    }

    @Test
    void shouldTakeTwiceTheTimeForALoneDecodeStep() {
        offer(prompt(40), decode(5));

        assertThat(next()).isCloseTo(0.4 + 0.2 + 41 * COPY, within(1e-12));
    }

    @Test
    void shouldRunACohortThroughWhileNewcomersWaitAtTheDoor() {
        Work first = decode(5);
        Work second = decode(5);
        offer(first);
        next();
        offer(second);

        assertThat(finish()).isEmpty();
        assertThat(next()).isCloseTo(0.2, within(1e-12)); // nothing is copied behind the first layer
        assertThat(batch()).containsExactly(first);
        finish();
        next();
        assertThat(batch()).containsExactly(first);
        assertThat(finish()).containsExactly(first);
        assertThat(next()).isCloseTo(0.2 + COPY, within(1e-12));
        assertThat(batch()).containsExactly(second);
    }

    @Test
    void shouldRunAPromptLongerThanTheLimitAlone() {
        Work tooLong = prompt(150);
        Work other = prompt(10);
        offer(tooLong, other);

        next();

        assertThat(batch()).containsExactly(tooLong);
    }

    @Test
    void shouldHaveNothingToDoWhenNothingIsThere() {
        assertThat(next()).isZero();
        assertThat(batch()).isEmpty();
    }
}
