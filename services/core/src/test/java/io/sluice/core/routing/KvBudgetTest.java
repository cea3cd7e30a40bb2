package io.sluice.core.routing;

import static io.sluice.core.ServiceClass.BEST_EFFORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class KvBudgetTest {
    private static final WorkerId A = new WorkerId("a");
    private static final WorkerId B = new WorkerId("b");
    private static final Pipeline PIPELINE =
            new Pipeline(List.of(new Stage(A, new LayerRange(0, 2)), new Stage(B, new LayerRange(2, 4))));

    @Test
    void shouldRejectWhenKvCacheIsFull() {
        KvBudget budget = new KvBudget(0.9);
        budget.setCapacities(Map.of(A, 1000L, B, 500L));
        budget.reserve(new SessionId("x"), PIPELINE, 256);
        assertThat(budget.fits(A, 256)).isTrue();
        assertThat(budget.fits(B, 256)).as("256 + 256 > 0.9 * 500").isFalse();
        assertThat(budget.release(new SessionId("x"))).isEqualTo(256);
        assertThat(budget.fits(B, 256)).isTrue();
    }

    @Test
    void shouldLetALoneSessionUseTheWholeCache() {
        KvBudget budget = new KvBudget(0.5);
        budget.setShare(0.25);
        budget.setCapacities(Map.of(A, 1024L));
        assertThat(budget.fits(A, 1024)).isTrue();
        assertThat(budget.fits(A, 1025)).isFalse();
        assertThat(budget.fits(B, 1)).as("a worker nobody has heard of").isFalse();
    }

    @Test
    void shouldScaleByItsShareOfTheRequests() {
        KvBudget budget = new KvBudget(1.0);
        budget.setShare(0.5);
        budget.setCapacities(Map.of(A, 1000L, B, 1000L));
        budget.reserve(new SessionId("x"), PIPELINE, 400);
        assertThat(budget.fits(A, 100)).isTrue();
        assertThat(budget.fits(A, 101)).isFalse();
    }

    @Test
    void shouldRefuseToReserveTwiceAndIgnoreASecondRelease() {
        KvBudget budget = new KvBudget(1.0);
        budget.reserve(new SessionId("x"), PIPELINE, 64);
        assertThatThrownBy(() -> budget.reserve(new SessionId("x"), PIPELINE, 64))
                .isInstanceOf(IllegalStateException.class);
        budget.release(new SessionId("x"));
        assertThat(budget.release(new SessionId("x"))).isZero();
        assertThat(budget.reserved(A)).isZero();
    }

    @Test
    void shouldNeverCountBelowZeroNorBeyondTheMark() {
        for (long seed = 0; seed < 100; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            KvBudget budget = new KvBudget(0.9);
            List<WorkerId> workers = List.of(A, B, new WorkerId("c"));
            Map<SessionId, List<WorkerId>> model = new TreeMap<>();
            Map<SessionId, Integer> sizes = new TreeMap<>();
            Map<WorkerId, Long> capacities = new TreeMap<>();
            workers.forEach(w -> capacities.put(w, 64L * random.nextInt(1, 40)));
            budget.setCapacities(capacities);
            for (int step = 0; step < 400; step++) {
                SessionId session = new SessionId("s" + random.nextInt(12));
                if (random.nextInt(3) == 0) {
                    budget.release(session);
                    model.remove(session);
                } else if (!model.containsKey(session)) {
                    int tokens = KvReservation.roundUp(1 + random.nextInt(500));
                    List<WorkerId> route = new ArrayList<>(workers.subList(0, 1 + random.nextInt(3)));
                    if (route.stream().allMatch(w -> budget.fits(w, tokens))) {
                        budget.reserve(session, pipeline(route), tokens);
                        model.put(session, route);
                        sizes.put(session, tokens);
                    }
                }
                for (WorkerId worker : workers) {
                    List<SessionId> on = model.keySet().stream()
                            .filter(s -> model.get(s).contains(worker))
                            .toList();
                    long expected = on.stream().mapToLong(sizes::get).sum();
                    assertThat(budget.reserved(worker))
                            .as("seed %d step %d worker %s", seed, step, worker)
                            .isEqualTo(expected)
                            .isNotNegative();
                    double limit = on.size() > 1 ? 0.9 * capacities.get(worker) : capacities.get(worker);
                    assertThat((double) expected).isLessThanOrEqualTo(limit);
                }
            }
        }
    }

    private static Pipeline pipeline(List<WorkerId> workers) {
        List<Stage> stages = new ArrayList<>();
        workers.forEach(w -> stages.add(new Stage(w, new LayerRange(stages.size(), stages.size() + 1))));
        return new Pipeline(stages);
    }

    @Test
    void shouldTellHowFullTheFullestWorkerIsOfItsShare() {
        KvBudget budget = new KvBudget(0.9);
        assertThat(budget.fullest()).isZero();
        budget.setCapacities(Map.of(A, 1000L, B, 500L, new WorkerId("none"), 0L));
        budget.reserve(new SessionId("x"), PIPELINE, 100);
        assertThat(budget.fullest()).isEqualTo(0.2);
        budget.setShare(0.5);
        assertThat(budget.fullest()).isEqualTo(0.4);
    }

    @Test
    void shouldCountMoreOnceASessionHoldsMoreAndGiveAllOfItBack() {
        KvBudget budget = new KvBudget(1.0);
        budget.setCapacities(Map.of(A, 1000L, B, 1000L));
        budget.reserve(new SessionId("x"), PIPELINE, 100);
        assertThat(budget.grow(new SessionId("x"), 90)).isZero();
        assertThat(budget.grow(new SessionId("x"), 150)).isEqualTo(50);
        assertThat(budget.reserved(A)).isEqualTo(150);
        assertThat(budget.reserved(B)).isEqualTo(150);
        assertThat(budget.grow(new SessionId("nobody"), 150)).isZero();
        assertThat(budget.release(new SessionId("x"))).isEqualTo(150);
        assertThat(budget.reserved(A)).isZero();
    }

    @Test
    void shouldKeepBestEffortSessionsWithinTheirShare() {
        KvBudget budget = new KvBudget(0.9, 0.5);
        budget.setCapacities(Map.of(A, 1000L, B, 1000L));
        assertThat(budget.fits(A, BEST_EFFORT, 500)).isTrue();
        assertThat(budget.fits(A, BEST_EFFORT, 501)).isFalse();
        assertThat(budget.fitsEmpty(A, BEST_EFFORT, 501)).isFalse();
        budget.reserve(new SessionId("b1"), BEST_EFFORT, PIPELINE, 300);
        assertThat(budget.fits(A, BEST_EFFORT, 200)).isTrue();
        assertThat(budget.fits(A, BEST_EFFORT, 201)).isFalse();
        assertThat(budget.fits(A, 600)).as("the rest is for the others").isTrue();
        assertThat(budget.fullest()).as("best-effort sessions do not count").isZero();
        budget.reserve(new SessionId("i1"), PIPELINE, 600);
        assertThat(budget.fits(A, BEST_EFFORT, 1)).as("the mark is everybody's").isFalse();
        assertThat(budget.reservedBestEffort(A)).isEqualTo(300);
        budget.release(new SessionId("b1"));
        assertThat(budget.reservedBestEffort(A)).isZero();
        assertThat(budget.reserved(A)).isEqualTo(600);
    }
}
