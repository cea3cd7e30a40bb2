package io.sluice.core.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.Pipeline;
import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import io.sluice.core.routing.Route.Routed;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** {@link RoutingPolicy#SLUICE}: routes by what is in flight. */
final class InFlightTest {
    private static final Allocation TWO =
            Allocations.of(1, 2, List.of("a:0-2", "b:0-2"), "a>sink=30", "b>sink=10", "source>a=30", "source>b=10");

    @Test
    void respectsTheFlowsInTheLongRunWhileSessionsTakeEquallyLong() {
        Map<String, Integer> used = run(TWO, 4000, (worker, random) -> 200);

        assertThat(used.get("a") / 4000.0).isCloseTo(0.75, within(0.02));
    }

    @Test
    void shouldSendLessWhereSessionsTakeLonger() {
        Map<String, Integer> used = run(TWO, 4000, (worker, random) -> worker.equals("a") ? 400 : 100);

        assertThat(used.get("a") / 4000.0).isLessThan(0.6);
    }

    @Test
    void shouldGoRoundAFullWorkerAndNotFloodItAfterwards() {
        Allocation small = Allocations.of(
                1, 2, List.of("a:0-2#1000", "b:0-2#100000"), "a>sink=30", "b>sink=10", "source>a=30", "source>b=10");
        Dispatcher dispatcher = new Dispatcher("psalm", RoutingPolicy.SLUICE, 1.0);
        dispatcher.accept(small);
        ArrayDeque<SessionId> onA = new ArrayDeque<>();
        for (int i = 0; i < 60; i++) {
            SessionId session = new SessionId("s" + i);
            if (worker(dispatcher.route(session, 100, 100, Set.of(), w -> true)).equals("a")) {
                onA.add(session);
            }
        }
        assertThat(onA).hasSize(10);
        dispatcher.release(onA.poll());
        List<String> next = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            next.add(worker(dispatcher.route(new SessionId("t" + i), 100, 100, Set.of(), w -> true)));
        }
        assertThat(next).containsExactly("a", "b", "b");
    }

    @Test
    void shouldCountWhatASessionHoldsOnceItHasOutgrownItsForecast() {
        Dispatcher dispatcher = new Dispatcher("psalm", RoutingPolicy.SLUICE, 1.0);
        dispatcher.accept(TWO);
        SessionId session = new SessionId("s");
        String worker = worker(dispatcher.route(session, 100, 100, Set.of(), w -> true));
        dispatcher.grow(session, 80);
        assertThat(dispatcher.reserved(new WorkerId(worker))).isEqualTo(100);
        dispatcher.grow(session, 300);
        assertThat(dispatcher.reserved(new WorkerId(worker))).isEqualTo(300);
        dispatcher.release(session);
        dispatcher.grow(session, 400);
        assertThat(dispatcher.reserved(new WorkerId(worker))).isZero();
    }

    @Test
    void shouldNoticeASessionThatIsRemovedTwice() {
        InFlight inFlight = new InFlight();
        Pipeline pipeline = new PipelineChooser(TWO, RoutingPolicy.SLUICE)
                .choose(1, w -> true)
                .orElseThrow();
        inFlight.add(pipeline, 5);
        assertThat(inFlight.worker("a")).isEqualTo(5);
        assertThat(inFlight.edge("source", "a")).isEqualTo(5);
        assertThat(inFlight.edge("a", "sink")).isEqualTo(5);
        inFlight.remove(pipeline, 5);
        assertThatThrownBy(() -> inFlight.remove(pipeline, 5)).hasMessageContaining("removed twice");
    }

    @Test
    void shouldLearnTheMeanOutputOfTheSessionsThatHaveEnded() {
        OutputForecast forecast = new OutputForecast(100, 10);
        for (int i = 0; i < 1000; i++) {
            forecast.ended(40);
        }
        assertThat(forecast.meanTokens()).isCloseTo(40, within(1.0));
        assertThat(forecast.kvTokens(500)).isBetween(529, 532);
    }

    private interface Duration {
        int steps(String worker, SplittableRandom random);
    }

    private static Map<String, Integer> run(Allocation allocation, int sessions, Duration duration) {
        Dispatcher dispatcher = new Dispatcher("psalm", RoutingPolicy.SLUICE, 1.0);
        dispatcher.accept(allocation);
        SplittableRandom random = new SplittableRandom(3);
        Map<Integer, List<SessionId>> ending = new HashMap<>();
        Map<String, Integer> used = new HashMap<>();
        for (int step = 0; step < sessions; step++) {
            for (SessionId session : ending.getOrDefault(step, List.of())) {
                dispatcher.release(session);
            }
            SessionId session = new SessionId("s" + step);
            String worker = worker(dispatcher.route(session, 100, 1 + random.nextInt(20), Set.of(), w -> true));
            used.merge(worker, 1, Integer::sum);
            ending.computeIfAbsent(step + duration.steps(worker, random), end -> new ArrayList<>())
                    .add(session);
        }
        return used;
    }

    private static String worker(Route route) {
        return ((Routed) route).pipeline().first().worker().value();
    }
}
