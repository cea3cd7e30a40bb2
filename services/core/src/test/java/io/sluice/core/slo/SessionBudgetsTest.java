package io.sluice.core.slo;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.RecoveryCosts;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SessionBudgetsTest {
    private static final WorkerId A = new WorkerId("a");
    private static final WorkerId B = new WorkerId("b");
    private static final Pipeline PAIR =
            new Pipeline(List.of(new Stage(A, new LayerRange(0, 2)), new Stage(B, new LayerRange(2, 6))));

    private final LinkTimes links = new LinkTimes();

    /** A millisecond per layer and position, half of that per position on a link. */
    private static final RecoveryCosts COSTS = new RecoveryCosts() {
        @Override
        public double computeSeconds(Stage stage, int tokens) {
            return stage.layers().size() * tokens / 1e3;
        }

        @Override
        public double transferSeconds(WorkerId to, int tokens) {
            return tokens / 2e3;
        }
    };

    private SessionBudgets of(Slo slo, double waitedSeconds) {
        return SessionBudgets.of(slo, PAIR, 11, waitedSeconds, COSTS, links, "router");
    }

    @Test
    void shouldBringNothingWithoutObjectives() {
        assertThat(of(Slo.NONE, 0)).isEqualTo(SessionBudgets.NONE);
    }

    @Test
    void shouldTakeOffWhatIsPlannedOfLinksUntilStepsHaveCrossedThem() {
        assertThat(of(Slo.of(null, 31L), 0).stages())
                .as("31 ms less 0.5 ms there and 0.5 ms back")
                .containsExactly(new StageBudget(0, 10_000), new StageBudget(0, 20_000));
        links.seen("a", B, 4_000);
        links.seen("b", A, 6_000);
        assertThat(of(Slo.of(null, 31L), 0).stages())
                .as("less 4 ms there and 6 ms back")
                .containsExactly(new StageBudget(0, 7_000), new StageBudget(0, 14_000));
    }

    @Test
    void shouldTakeWaitingAndTheWayOfAPromptOffTheFirstTokens() {
        links.seen("router", A, 2_000);
        links.seen("a", B, 3_000);
        SessionBudgets budgets = of(Slo.of(100L, null), 0.015);
        assertThat(budgets.stages())
                .as("100 ms less 15 waited, 2 and 3 on links, 5 for ten further positions")
                .containsExactly(new StageBudget(25_000, 0), new StageBudget(50_000, 0));
        assertThat(budgets.attainable()).as("66 ms of computing in 75").isTrue();
    }

    @Test
    void shouldSayWhatIsOutOfReach() {
        assertThat(of(Slo.of(70L, 100L), 0).attainable())
                .as("66 ms of computing in 64.5")
                .isFalse();
        assertThat(of(Slo.of(72L, 100L), 0).attainable()).isTrue();
        assertThat(of(Slo.of(null, 5L), 0).attainable()).as("6 ms of computing").isFalse();
        assertThat(of(Slo.of(100L, null), 7).stages())
                .as("it has waited for longer than it wanted to")
                .containsExactly(StageBudget.NONE, StageBudget.NONE);
    }

    @Test
    void shouldNotCountALinkWhereThereIsOneStage() {
        Pipeline alone = new Pipeline(List.of(new Stage(A, new LayerRange(0, 6))));
        links.seen("a", A, 50_000);
        assertThat(SessionBudgets.of(Slo.of(80L, 20L), alone, 11, 0, COSTS, links, "router")
                        .stages())
                .containsExactly(new StageBudget(80_000, 20_000));
    }

    @Test
    void shouldLearnLinksSlowlyAndForgetThoseLongUnseen() {
        links.seen("a", B, 1_600);
        links.seen("a", B, 17_600);
        assertThat(links.seconds("a", B)).hasValue(0.0026);
        links.seen("a", B, Long.MAX_VALUE);
        assertThat(links.seconds("a", B)).as("absurd").hasValue(0.0026);
        links.seen("b", A, -500);
        assertThat(links.seconds("b", A)).as("clocks differ").hasValue(0);
        for (int i = 0; i < 5_000; i++) {
            links.seen("w" + i, A, 1);
        }
        assertThat(links.seconds("a", B)).isEmpty();
        assertThat(links.seconds("w4999", A)).isPresent();
    }
}
