package io.sluice.core.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class InterleavedWeightedRoundRobinTest {

    @Test
    void shouldFollowHelixOnAHandWorkedCase() {
        // Loads before each pick: (0,0) (.5,0) (1,0) (1,1) (1.5,1) (2,1); the second and fifth are ties of 1 and of 2.
        InterleavedWeightedRoundRobin split = new InterleavedWeightedRoundRobin(2, 1);
        StringBuilder picks = new StringBuilder();
        for (int i = 0; i < 6; i++) {
            picks.append("ab".charAt(split.next(1)));
        }
        assertThat(picks).hasToString("aabaab");
    }

    @Test
    void shouldGiveATieToTheFirstLink() {
        assertThat(new InterleavedWeightedRoundRobin(5, 5, 5).order(7)).containsExactly(0, 1, 2);
    }

    @Test
    void shouldStayWithinOneRoundOfTheWeights() {
        for (long seed = 0; seed < 200; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            double[] weights = random.doubles(1 + random.nextInt(6), 0.5, 500).toArray();
            InterleavedWeightedRoundRobin split = new InterleavedWeightedRoundRobin(weights);
            double[] given = new double[weights.length];
            double most = 0;
            for (int i = 0; i < 300; i++) {
                int work = 1 + random.nextInt(2000);
                most = Math.max(most, work);
                given[split.next(work)] += work;
                double all = Arrays.stream(given).sum();
                double weight = Arrays.stream(weights).sum();
                for (int v = 0; v < weights.length; v++) {
                    for (int u = 0; u < weights.length; u++) {
                        assertThat(given[v] / weights[v])
                                .as("seed %d, pick %d: link %d against %d", seed, i, v, u)
                                .isLessThanOrEqualTo(given[u] / weights[u] + most / weights[u] + 1e-6);
                    }
                    // Hence no link is off its share by more than one piece of work per link.
                    assertThat(given[v])
                            .as("seed %d, pick %d: share of link %d", seed, i, v)
                            .isCloseTo(all * weights[v] / weight, within(most * weights.length + 1e-6));
                }
            }
        }
    }

    @Test
    void shouldNotOveruseALinkThatWasMasked() {
        InterleavedWeightedRoundRobin split = new InterleavedWeightedRoundRobin(1, 1);
        BitSet second = new BitSet();
        second.set(1);
        for (int i = 0; i < 100; i++) {
            split.charge(0, 10, second);
        }
        int[] given = new int[2];
        for (int i = 0; i < 10; i++) {
            given[split.next(10)]++;
        }
        assertThat(given).containsExactly(5, 5);
    }

    @Test
    void shouldKeepItsPrecisionForEver() {
        InterleavedWeightedRoundRobin split = new InterleavedWeightedRoundRobin(1e-3, 2e-3);
        int[] given = new int[2];
        for (int i = 0; i < 30_000; i++) {
            given[split.next(1000)]++;
        }
        assertThat(given[1]).isCloseTo(2 * given[0], within(3));
        assertThat(split.load(0)).isLessThan(1e7);
    }

    @Test
    void shouldRejectWeightsAndWorkThatCannotBeShared() {
        assertThatThrownBy(() -> new InterleavedWeightedRoundRobin(1, 0)).hasMessageContaining("weight 0.0");
        assertThatThrownBy(() -> new InterleavedWeightedRoundRobin(Double.NaN)).hasMessageContaining("NaN");
        assertThatThrownBy(() -> new InterleavedWeightedRoundRobin(1).next(0)).hasMessageContaining("work 0.0");
    }
}
