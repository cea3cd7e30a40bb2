package io.sluice.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PythonRandomTest {
    @Test
    void shouldDrawWhatPythonDraws() {
        PythonRandom random = new PythonRandom(0);

        // random.seed(0); random.random(), random.random(); then random.randint(0, 16656) three times
        assertThat(random.nextDouble()).isEqualTo(0.8444218515250481);
        assertThat(random.nextDouble()).isEqualTo(0.7579544029403025);
        assertThat(new int[] {random.nextInt(16657), random.nextInt(16657), random.nextInt(16657)})
                .containsExactly(PYTHON);
    }

    private static final int[] PYTHON = {13781, 1326, 8484};
}
