package io.sluice.core.planning.live;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CalmTest {
    private final LiveWorld world = new LiveWorld(PlacementPolicy.DEFAULT);

    private int searches() {
        return world.tasks.size();
    }

    private void startIdle() {
        world.workers.idle(true);
        world.startThree();
    }

    private String lastReason() {
        return world.of(PlacementEvent.SearchRequested.class)
                .getLast()
                .trigger()
                .reason();
    }

    @Test
    void shouldNotPlaceAgainForTheFirstTrafficOfAShortDemo() {
        startIdle();
        world.run(20_000);
        world.workers.idle(false);
        world.workers.prompts(0.95);
        world.run(25_000);
        world.workers.idle(true);
        world.run(300_000);
        assertThat(searches()).isZero();
    }

    @Test
    void shouldLookOnceWhenTheFirstMixHasStayed() {
        startIdle();
        world.workers.idle(false);
        world.workers.prompts(0.95);
        world.run(29_000);
        assertThat(searches()).isZero();
        world.run(10_000);
        assertThat(searches()).isEqualTo(1);
        assertThat(lastReason()).isEqualTo("demand became known (prompts are 95 % of tokens)");
        world.run(300_000);
        assertThat(searches()).as("the same mix is no news").isEqualTo(1);
    }

    @Test
    void shouldNotLookWhenTheFirstMixIsAboutEven() {
        startIdle();
        world.workers.idle(false);
        world.workers.prompts(0.6);
        world.run(300_000);
        assertThat(searches()).isZero();
    }

    @Test
    void shouldLookAgainOnlyWhenAnotherMixHasStayed() {
        startIdle();
        world.workers.idle(false);
        world.workers.prompts(0.95);
        world.run(60_000);
        assertThat(searches()).isEqualTo(1);
        for (int i = 0; i < 20; i++) {
            world.workers.prompts(i % 2 == 0 ? 0.3 : 0.95);
            world.run(20_000);
        }
        assertThat(searches()).as("a mix that comes and goes").isEqualTo(1);
        world.workers.prompts(0.3);
        world.run(45_000);
        assertThat(searches()).isEqualTo(2);
        assertThat(lastReason()).isEqualTo("demand changed (prompts were 95 % of tokens, are 30 %)");
    }

    @Test
    void shouldNotSearchTheSameSituationTwiceInAShortTime() {
        world.workers.kvTokens(100_000);
        world.startThree();
        world.run(31_000);
        world.workers.start("w3", 1, 6);
        world.run(2_000);
        assertThat(searches()).isEqualTo(1);
        world.workers.kill("w3");
        world.run(8_000);
        world.workers.start("w3", 1, 6);
        world.run(70_000);
        assertThat(searches()).as("it left and came back as it was").isEqualTo(1);
        world.run(60_000);
        assertThat(searches()).as("it still waits to be looked at").isEqualTo(2);
    }
}
