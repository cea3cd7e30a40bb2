package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.records.ActivationChunk;
import io.sluice.records.Completion;
import io.sluice.records.FinishReason;
import io.sluice.records.ServiceClass;
import io.sluice.records.Session;
import io.sluice.records.SessionState;
import io.sluice.records.Slo;
import io.sluice.records.StageBudget;
import io.sluice.records.Token;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Requests with latency objectives on a and c, which are equally fast; d stands in for c, a third as fast. */
class RouterSloTest {
    private final RouterHarness router = new RouterHarness();

    @BeforeEach
    void start() {
        router.alive(1, "a", "b", "c", "d");
        router.allocate(TestAllocations.diamond(1, 10_000));
    }

    @AfterEach
    void close() {
        router.close();
    }

    private ActivationChunk send(String id, Slo slo) {
        router.send(RouterHarness.request(id).setMaxTokens(10).setSlo(slo));
        return router.sentTo("a").getFirst();
    }

    private Token token(int index, FinishReason finish) {
        return router.token("r1", index, finish, "a", "c");
    }

    private double count(String serviceClass, String result) {
        return router.metrics
                .get("sluice.router.slo.requests")
                .tags("class", serviceClass, "result", result)
                .counter()
                .count();
    }

    @Test
    void shouldDivideObjectivesAmongTheStagesSoThatLinksAndSharesAreTheWhole() {
        List<StageBudget> budgets = send("r1", new Slo(900L, 202L)).getSetup().getBudgets();
        // Planned of a link: 1,000 tokens/s; of the prompt's 4 tokens each takes a millisecond there, a step one there,
        // none back.
        assertThat(budgets).hasSize(2);
        assertThat(budgets.stream().mapToLong(StageBudget::getTtftUs).sum()).isEqualTo(896_000);
        assertThat(budgets.stream().mapToLong(StageBudget::getTpotUs).sum()).isEqualTo(201_000);
        assertThat(budgets.get(0)).isEqualTo(budgets.get(1));
        Session assigned = router.sessions().getFirst();
        assertThat(assigned.getState()).isEqualTo(SessionState.ASSIGNED);
        assertThat(assigned.getBudgets()).isEqualTo(budgets);
    }

    @Test
    void shouldBringNoBudgetsWithoutObjectivesAndForBestEffortWork() {
        assertThat(send("r1", null).getSetup().getBudgets()).isEmpty();
        router.send(RouterHarness.request("r2")
                .setSlo(new Slo(900L, 202L))
                .setServiceClass(ServiceClass.BEST_EFFORT)
                .setTenant("t"));
        assertThat(List.of("a", "b").stream().flatMap(w -> router.sentTo(w).stream()))
                .allSatisfy(chunk -> assertThat(chunk.getSetup().getBudgets()).isEmpty());
    }

    @Test
    void shouldTakeOffWhatStepsOverTheLinksHaveTaken() {
        send("r1", null);
        router.send(token(0, null));
        for (int i = 1; i < 4; i++) {
            Token token = token(i, null);
            token.getHops().get(0).setTransferUs(30_000);
            token.getHops().get(1).setTransferUs(20_000);
            router.send(token);
        }
        router.send(RouterHarness.request("r2").setSlo(new Slo(null, 250L)).setAllowedRegions(List.of("eu")));
        List<StageBudget> budgets = router.sentTo("a").getFirst().getSetup().getBudgets();
        assertThat(budgets.stream().mapToLong(StageBudget::getTpotUs).sum()).isEqualTo(200_000);
    }

    @Test
    void shouldSayWhetherTheObjectivesWereMet() {
        send("r1", new Slo(60L, 20L));
        router.advance(Duration.ofMillis(50));
        router.send(token(0, null));
        router.advance(Duration.ofMillis(30));
        router.send(token(1, null));
        router.advance(Duration.ofMillis(20));
        router.send(token(2, FinishReason.STOP));

        Completion completion = router.completions().getFirst();
        assertThat(completion.getTtftMs()).isEqualTo(50);
        assertThat(completion.getTpotMs()).isEqualTo(25.0);
        assertThat(completion.getSloMet()).as("25 ms a token, not 20").isFalse();
        assertThat(count("latency_critical", "asked")).isEqualTo(1);
        assertThat(count("latency_critical", "missed")).isEqualTo(1);

        router.send(RouterHarness.request("r2").setSlo(new Slo(60L, 20L)));
        router.send(router.token("r2", 0, FinishReason.LENGTH));
        Completion other = router.completions().getFirst();
        assertThat(other.getTpotMs()).isNull();
        assertThat(other.getSloMet()).isTrue();
        assertThat(count("latency_critical", "met")).isEqualTo(1);
    }

    @Test
    void shouldSayNothingOfObjectivesThatNobodyHas() {
        send("r1", null);
        router.send(token(0, FinishReason.STOP));
        Completion completion = router.completions().getFirst();
        assertThat(completion.getSloMet()).isNull();
        assertThat(completion.getTtftMs()).isZero();
        assertThat(router.metrics.find("sluice.router.slo.requests").counter()).isNull();
    }

    @Test
    void shouldCountWhatIsOutOfReach() {
        List<StageBudget> budgets = send("r1", new Slo(2L, null)).getSetup().getBudgets();
        assertThat(budgets).containsExactly(new StageBudget(0L, 0L), new StageBudget(0L, 0L));
        assertThat(count("latency_critical", "unattainable")).isEqualTo(1);
    }

    @Test
    void shouldKeepTheObjectivesWhenAStageIsReplacedInMidGeneration() {
        send("r1", new Slo(900L, 202L));
        router.sessions();
        router.send(token(0, null));
        router.send(token(1, null));
        router.gone(1, "c");

        List<StageBudget> budgets = router.sessions().getFirst().getBudgets();
        assertThat(budgets).hasSize(2);
        assertThat(budgets.stream().mapToLong(StageBudget::getTpotUs).sum()).isBetween(200_000L, 202_000L);
        assertThat(budgets.get(1).getTpotUs())
                .as("d is a third as fast as c")
                .isCloseTo(3 * budgets.get(0).getTpotUs(), within(10L));
        assertThat(budgets).as("its first token is out").allMatch(b -> b.getTtftUs() == 0);
        assertThat(router.sentTo("a").getFirst().getSetup().getBudgets()).isEqualTo(budgets);
    }

    @Test
    void shouldKeepTheObjectivesWhenTheSessionBeginsAgain() {
        send("r1", new Slo(900L, 202L));
        router.gone(1, "c");

        List<StageBudget> budgets = router.sentTo("a").getFirst().getSetup().getBudgets();
        assertThat(budgets.stream().mapToLong(StageBudget::getTtftUs).sum())
                .as("what is left of it")
                .isBetween(800_000L, 895_000L);
        assertThat(budgets.stream().mapToLong(StageBudget::getTpotUs).sum()).isEqualTo(201_000);
    }
}
