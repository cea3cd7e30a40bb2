package io.sluice.core.planning;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What heartbeats do to allocations. */
final class AttendanceTest {
    private static final String MODEL = "psalm";
    private static final PlannerPolicy POLICY = PlannerPolicy.DEFAULT;

    private final PlannerState state = new PlannerState(MODEL, 0);
    private final List<PlannerEvent.Published> published = new ArrayList<>();
    private final TreeMap<String, Long> sequences = new TreeMap<>();
    private final List<String> workers = new ArrayList<>();
    /** Looks at which a flow was computed. */
    private int solves;

    private final FlowPlanner planner = new FlowPlanner(new CheapestPaths(), POLICY);
    private long now = 1_800_000_000_000L;

    private void tell(PlannerCommand command) {
        for (PlannerEvent event : planner.decide(state, command, now)) {
            state.apply(event);
            if (event instanceof PlannerEvent.Published p) {
                published.add(p);
                solves++;
            } else if (event instanceof PlannerEvent.Examined e && e.solved()) {
                solves++;
            }
        }
    }

    private void join(String id, int first, int end, long incarnation) {
        tell(new PlannerCommand.Announce(new MemberStatus(
                MODEL,
                new WorkerId(id),
                MemberStatus.State.JOINED,
                incarnation,
                Holding.of(new LayerRange(first, end)),
                "r1",
                4096,
                100,
                100,
                1e9,
                BatchCost.UNKNOWN,
                now)));
        if (!workers.contains(id)) {
            workers.add(id);
        }
    }

    private void attend(String id, long incarnation, Presence.State seen) {
        tell(new PlannerCommand.Attend(MODEL, new Presence(new WorkerId(id), incarnation, seen, "")));
    }

    /** How far the workers' clocks are behind, milliseconds. */
    private long behindMillis;

    /** Lets time pass with ticks as the planner asks for them, and telemetry of every worker each 250 ms. */
    private void run(long millis) {
        long end = now + millis;
        while (now < end) {
            now += 50;
            if (now % 250 == 0) {
                workers.forEach(id -> tell(new PlannerCommand.MeasureDevice(new DeviceSample(
                        MODEL,
                        new WorkerId(id),
                        1,
                        sequences.merge(id, 1L, Long::sum),
                        now - behindMillis,
                        250,
                        250_000,
                        1,
                        0,
                        25,
                        25))));
            }
            tell(new PlannerCommand.Tick(MODEL));
        }
    }

    private void start() {
        tell(new PlannerCommand.Place(
                new PlacementPlan(MODEL, 1, 4, 64, 2, List.of(stage("a", 0, 2), stage("b", 0, 2), stage("c", 2, 4)))));
        join("a", 0, 2, 1);
        join("b", 0, 2, 1);
        join("c", 2, 4, 1);
        workers.forEach(id -> attend(id, 1, Presence.State.ALIVE));
        run(5_000);
        assertThat(names()).containsExactlyInAnyOrder("a", "b", "c");
    }

    private static Stage stage(String id, int first, int end) {
        return new Stage(new WorkerId(id), new LayerRange(first, end));
    }

    private List<String> names() {
        return published.getLast().allocation().workers().stream()
                .map(w -> w.worker().value())
                .toList();
    }

    @Test
    void shouldTakeALostWorkerOutAtTheNextLookEvenRightAfterAnAllocation() {
        start();
        join("b", 0, 2, 2);
        attend("b", 2, Presence.State.ALIVE);
        run(50);
        attend("b", 2, Presence.State.GONE);
        run(50);
        long atMillis = published.getLast().atMillis();
        attend("a", 1, Presence.State.GONE);

        run(50);

        assertThat(names()).containsExactly("c");
        assertThat(published.getLast().atMillis() - atMillis)
                .isLessThanOrEqualTo(100)
                .isLessThan(POLICY.minIntervalMillis());
    }

    @Test
    void shouldGiveADrainingWorkerNoFlowAndTakeItBackWhenTheDrainIsCalledOff() {
        start();

        attend("a", 1, Presence.State.DRAINING);
        run(1_000);
        assertThat(names()).containsExactlyInAnyOrder("b", "c");
        attend("a", 1, Presence.State.ALIVE);
        run(2_000);

        assertThat(names()).containsExactlyInAnyOrder("a", "b", "c");
    }

    @Test
    void shouldKeepAWorkerThatIsHeardThoughItsClockIsWrongByALease() {
        start();
        int before = published.size();
        behindMillis = POLICY.leaseMillis() - 100;

        run(20_000);

        assertThat(names()).containsExactlyInAnyOrder("a", "b", "c");
        assertThat(published.subList(before, published.size()))
                .as("in the graph and out of it again and again")
                .allSatisfy(p -> assertThat(p.allocation().workers()).hasSize(3));
    }

    @Test
    void shouldSolveNothingBecauseOfHeartbeatsThatSayNothingNew() {
        start();
        int before = solves;

        for (int i = 0; i < 1_000; i++) {
            workers.forEach(id -> attend(id, 1, Presence.State.ALIVE));
            run(50);
        }

        assertThat(solves).isEqualTo(before);
        assertThat(published).hasSize(1);
    }

    @Test
    void shouldSolveAtMostOnceForEveryChangeOfMembership() {
        start();
        int before = solves;

        for (int i = 0; i < 20; i++) {
            attend("a", 1, i % 2 == 0 ? Presence.State.GONE : Presence.State.ALIVE);
            run(2_000);
        }

        assertThat(solves - before).isEqualTo(20);
    }

    @Test
    void shouldLeaveAWorkerWithoutHeartbeatsToItsTelemetry() {
        start();
        join("d", 0, 2, 1);
        run(2_000);
        assertThat(names()).contains("d");

        workers.remove("d");
        run(POLICY.leaseMillis() + 1_000);

        assertThat(names()).doesNotContain("d");
    }

    @Test
    void shouldWaitForTheStatusOfARestartedWorker() {
        start();

        attend("a", 2, Presence.State.ALIVE);
        run(1_000);
        assertThat(names()).doesNotContain("a");
        join("a", 0, 2, 2);
        run(2_000);

        assertThat(names()).contains("a");
    }

    @Test
    void shouldNotTakeTheEndOfAnEarlierProcessForThatOfThePresentOne() {
        start();
        attend("a", 1, Presence.State.GONE);
        join("a", 0, 2, 2);
        run(2_000);
        assertThat(names()).contains("a");

        attend("a", 2, Presence.State.ALIVE);
        attend("a", 1, Presence.State.GONE);
        run(2_000);

        assertThat(names()).contains("a");
    }
}
