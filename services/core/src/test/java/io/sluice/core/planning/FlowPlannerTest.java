package io.sluice.core.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.LinkSample.Transfer;
import io.sluice.core.planning.MemberStatus.State;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class FlowPlannerTest {
    private static final String MODEL = "psalm";
    private static final double SPEED = 100;

    private final FlowPlanner planner = new FlowPlanner(new CheapestPaths(), PlannerPolicy.DEFAULT);
    private final PlannerState state = new PlannerState(MODEL, 0);
    private final List<PlannerEvent.Published> published = new ArrayList<>();
    private final List<PlannerEvent.Refused> refused = new ArrayList<>();
    private final Map<String, Long> sequences = new HashMap<>();
    private final Map<String, Double> speeds = new HashMap<>();
    private long now = 1_800_000_000_000L;

    private void tell(PlannerCommand command) {
        for (PlannerEvent event : planner.decide(state, command, now)) {
            state.apply(event);
            if (event instanceof PlannerEvent.Published p) {
                published.add(p);
            } else if (event instanceof PlannerEvent.Refused r) {
                refused.add(r);
            }
        }
    }

    private MemberStatus status(String id, int first, int end, State status, long incarnation) {
        return new MemberStatus(
                MODEL,
                new WorkerId(id),
                status,
                incarnation,
                Holding.of(new LayerRange(first, end)),
                "r1",
                4096,
                SPEED,
                SPEED,
                1e9,
                BatchCost.UNKNOWN,
                now);
    }

    private void announce(String id, int first, int end, State status) {
        tell(new PlannerCommand.Announce(status(id, first, end, status, 1)));
    }

    private void join(String id, int first, int end) {
        speeds.put(id, SPEED);
        announce(id, first, end, State.JOINED);
    }

    private void place(long epoch) {
        tell(new PlannerCommand.Place(new PlacementPlan(
                MODEL, epoch, 4, 64, 2, List.of(stage("a", 0, 2), stage("b", 0, 2), stage("c", 2, 4)))));
    }

    private static Stage stage(String id, int first, int end) {
        return new Stage(new WorkerId(id), new LayerRange(first, end));
    }

    private DeviceSample sample(String id, double speed) {
        return new DeviceSample(
                MODEL,
                new WorkerId(id),
                1,
                sequences.merge(id, 1L, Long::sum),
                now,
                250,
                250_000,
                1,
                0,
                Math.round(speed / 4),
                Math.round(speed / 4));
    }

    /** Lets time pass in steps of 250 ms, with heartbeats at each worker's present speed. */
    private void run(long millis) {
        for (long t = 0; t < millis; t += 250) {
            now += 250;
            speeds.forEach((id, speed) -> tell(new PlannerCommand.MeasureDevice(sample(id, speed))));
            tell(new PlannerCommand.Tick(MODEL));
        }
    }

    private void start() {
        place(1);
        join("a", 0, 2);
        join("b", 0, 2);
        join("c", 2, 4);
        run(250);
        assertThat(published).hasSize(1);
    }

    private Allocation last() {
        return published.getLast().allocation();
    }

    @Test
    void shouldPublishOnceAndThenHold() {
        start();
        assertThat(last().epoch()).isEqualTo(1);
        assertThat(last().maxFlow()).isCloseTo(SPEED, within(1e-6));
        assertThat(AllocationVerifier.verify(last())).isEmpty();
        run(60_000);
        assertThat(published).hasSize(1);
    }

    @Test
    void shouldNotRepublishOnNoise() {
        start();
        SplittableRandom random = new SplittableRandom(11);
        for (int i = 0; i < 400; i++) {
            speeds.replaceAll((id, speed) -> SPEED * (0.95 + random.nextDouble(0.1)));
            run(250);
        }
        assertThat(published).hasSize(1);
    }

    @Test
    void shouldPublishFewAllocationsOnNoiseOfAFifthAndStillFollowAHalvedWorker() {
        for (long seed = 0; seed < 10; seed++) {
            FlowPlannerTest world = new FlowPlannerTest();
            SplittableRandom random = new SplittableRandom(seed);
            world.start();
            world.noisy(random, "", 240);
            assertThat(world.published.size())
                    .as("a minute of noise, seed %d", seed)
                    .isLessThanOrEqualTo(3);
            world.noisy(random, "", 4 * 240);
            assertThat(world.published.size())
                    .as("five minutes of noise, seed %d", seed)
                    .isLessThanOrEqualTo(10);
            int before = world.published.size();
            world.noisy(random, "a", 8);
            assertThat(world.published.subList(before, world.published.size()))
                    .as("two seconds at half the speed, seed %d", seed)
                    .anyMatch(p -> p.reason().contains("a fell"));
            world.noisy(random, "a", 8);
            assertThat(world.last().workers().getFirst().capacity())
                    .as("seed %d", seed)
                    .isCloseTo(SPEED / 2, within(SPEED * 0.1));
        }
    }

    /** So many reports of every worker, each measurement up to a fifth off; one worker is half as fast. */
    private void noisy(SplittableRandom random, String halved, int reports) {
        for (int i = 0; i < reports; i++) {
            speeds.replaceAll((id, speed) -> SPEED * (id.equals(halved) ? 0.5 : 1) * (0.8 + random.nextDouble(0.4)));
            run(250);
        }
    }

    @Test
    void shouldFollowAHalvedSpeedWithinTwoSeconds() {
        start();
        run(5_000);
        long before = now;
        speeds.put("a", SPEED / 2);
        run(2_000);
        assertThat(published.size()).isGreaterThan(1);
        assertThat(published.get(1).atMillis() - before).isLessThanOrEqualTo(1_000);
        assertThat(published.get(1).reason()).contains("a fell");
        assertThat(last().workers().getFirst().capacity()).isCloseTo(SPEED / 2, within(SPEED * 0.1));
        assertThat(last().workers().getFirst().flow())
                .isLessThan(last().workers().get(1).flow() * 0.7);
        for (int i = 1; i < published.size(); i++) {
            assertThat(published.get(i).atMillis() - published.get(i - 1).atMillis())
                    .isGreaterThanOrEqualTo(1_000);
            assertThat(published.get(i).allocation().epoch()).isEqualTo(i + 1);
        }
    }

    @Test
    void shouldDropASilentWorkerAfterItsLease() {
        start();
        speeds.remove("b");
        run(4_750);
        assertThat(published).hasSize(1);
        run(750);
        assertThat(published).hasSize(2);
        assertThat(published.getLast().reason()).contains("b left");
        speeds.put("b", SPEED);
        run(500);
        assertThat(last().workers()).hasSize(2);
        run(1_000);
        assertThat(published.getLast().reason()).contains("b joined");
    }

    @Test
    void shouldDropADrainingWorkerAtOnce() {
        start();
        run(2_000);
        announce("b", 0, 2, State.DRAINING);
        run(250);
        assertThat(published.getLast().reason()).contains("b left");
    }

    @Test
    void shouldNameUncoveredLayersOncePerChange() {
        start();
        run(2_000);
        announce("c", 2, 4, State.LEFT);
        speeds.remove("c");
        run(10_000);
        assertThat(published).hasSize(2);
        assertThat(last().maxFlow()).isZero();
        assertThat(last().bottleneck()).containsExactly("no worker holds layers [2, 4)");
        join("c", 2, 4);
        run(500);
        assertThat(last().maxFlow()).isPositive();
        assertThat(last().epoch()).isEqualTo(3);
    }

    @Test
    void shouldTakeTheLayersThatAWorkerAnnouncesNotThoseOfThePlacement() {
        start();
        run(2_000);
        announce("b", 2, 4, State.JOINED);
        run(250);
        assertThat(published.getLast().reason()).contains("b restarted");
        assertThat(last().workers())
                .extracting(w -> w.worker() + " " + w.layers())
                .containsExactly("a [0, 2)", "b [2, 4)", "c [2, 4)");
        run(2_000);
        announce("b", 2, 5, State.JOINED);
        run(250);
        assertThat(published.getLast().reason())
                .as("layers that the model does not have")
                .contains("b left");
    }

    @Test
    void shouldLeaveOutASpareUntilItServesLayers() {
        start();
        run(2_000);
        speeds.put("d", SPEED);
        MemberStatus spare = status("d", 0, 1, State.JOINED, 1);
        tell(new PlannerCommand.Announce(withHolding(spare, new Holding(Optional.empty(), List.of(), 4, 0, 0))));
        run(2_000);
        assertThat(published).hasSize(1);
        announce("d", 2, 4, State.JOINED);
        run(500);
        assertThat(published.getLast().reason()).contains("d joined");
    }

    private static MemberStatus withHolding(MemberStatus s, Holding holding) {
        return new MemberStatus(
                s.model(),
                s.worker(),
                s.state(),
                s.incarnation(),
                holding,
                s.region(),
                s.kvCapacityTokens(),
                s.prefillTokensPerSecond(),
                s.decodeTokensPerSecond(),
                s.linkBytesPerSecond(),
                s.cost(),
                s.atMillis());
    }

    @Test
    void shouldGoOnFromAnEarlierEpoch() {
        PlannerState later = new PlannerState(MODEL, 41);
        state.apply(new PlannerEvent.Examined(false));
        assertThat(later.epoch()).isEqualTo(41);
        for (PlannerCommand command : List.of(
                new PlannerCommand.Place(new PlacementPlan(MODEL, 1, 2, 64, 2, List.of(stage("a", 0, 2)))),
                new PlannerCommand.Announce(status("a", 0, 2, State.JOINED, 1)))) {
            planner.decide(later, command, now).forEach(later::apply);
        }
        List<PlannerEvent> events = planner.decide(later, new PlannerCommand.Tick(MODEL), now);
        assertThat(events).singleElement().isInstanceOfSatisfying(PlannerEvent.Published.class, p -> assertThat(
                        p.allocation().epoch())
                .isEqualTo(42));
    }

    @Test
    void shouldNotCountTheDeadWhoseStatusIsStillInTheTopic() {
        place(1);
        MemberStatus old = status("a", 0, 2, State.JOINED, 1);
        now += 60_000;
        tell(new PlannerCommand.Announce(old));
        assertThat(planner.liveMembers(state, now)).isEmpty();
        tell(new PlannerCommand.MeasureDevice(sample("a", SPEED)));
        assertThat(planner.liveMembers(state, now)).containsExactly(new WorkerId("a"));
    }

    @Test
    void shouldReportAFaultOnceInARow() {
        start();
        DeviceSample absurd = new DeviceSample(MODEL, new WorkerId("a"), 1, 1_000, now, 250, 100, Double.NaN, 1, 1, 1);
        tell(new PlannerCommand.MeasureDevice(absurd));
        tell(new PlannerCommand.MeasureDevice(absurd));
        assertThat(refused).extracting(PlannerEvent.Refused::report).containsExactly(true, false);
        run(250);
        tell(new PlannerCommand.MeasureDevice(absurd));
        assertThat(refused.getLast().report()).isTrue();
        tell(new PlannerCommand.MeasureDevice(
                new DeviceSample(MODEL, new WorkerId("ghost"), 1, 1, now, 250, 1, 0, 0, 0, 0)));
        assertThat(refused.getLast().rejection().kind()).isEqualTo(Rejection.Kind.UNANNOUNCED);
        assertThat(refused.getLast().report()).isFalse();
    }

    @Test
    void shouldRefuseAnOldPlacementAndAnOldIncarnation() {
        start();
        place(1);
        tell(new PlannerCommand.Announce(status("a", 0, 2, State.LEFT, 0)));
        assertThat(refused)
                .extracting(r -> r.rejection().kind())
                .containsExactly(Rejection.Kind.DUPLICATE, Rejection.Kind.OLD_INCARNATION);
        run(1_000);
        assertThat(published).hasSize(1);
    }

    @Test
    void shouldRouteRoundALinkThatBecameSlow() {
        start();
        run(2_000);
        List<Transfer> transfers = new ArrayList<>();
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 64; i++) {
            long bytes = random.nextLong(1_000, 200_000);
            // 128 bytes a token: 10 tokens/s.
            transfers.add(new Transfer(bytes, Math.round(bytes * 1e6 / 1_280)));
        }
        tell(new PlannerCommand.MeasureLink(new LinkSample(MODEL, "a", "c", now, transfers)));
        tell(new PlannerCommand.MeasureLink(new LinkSample(MODEL, "b", "c", now, transfers)));
        run(250);
        assertThat(published).hasSize(2);
        assertThat(last().maxFlow()).isCloseTo(20, within(1.0));
        assertThat(last().bottleneck()).containsExactly("a>c", "b>c");
        tell(new PlannerCommand.MeasureLink(new LinkSample(MODEL, "a", "ghost", now, transfers)));
        assertThat(refused.getLast().rejection().kind()).isEqualTo(Rejection.Kind.UNANNOUNCED);
    }

    @Test
    void shouldWantNoTickWhenNothingLives() {
        assertThat(planner.nextTick(state, now)).isEmpty();
        place(1);
        assertThat(planner.nextTick(state, now)).hasValue(now + 50);
        tell(new PlannerCommand.Tick(MODEL));
        assertThat(planner.nextTick(state, now)).isEmpty();
        join("a", 0, 2);
        tell(new PlannerCommand.Tick(MODEL));
        assertThat(planner.nextTick(state, now)).hasValue(now + 1_000);
        announce("a", 0, 2, State.LEFT);
        speeds.clear();
        run(2_000);
        assertThat(last().workers()).isEmpty();
        assertThat(planner.nextTick(state, now)).isEmpty();
    }

    @Test
    void shouldSurviveRandomCommandsWithSoundAllocations() {
        for (long seed = 0; seed < 30; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            PlannerState fuzzed = new PlannerState(MODEL, 0);
            long time = now;
            long epoch = 0;
            for (int i = 0; i < 500; i++) {
                time += random.nextLong(400) - 20;
                for (PlannerEvent event : planner.decide(fuzzed, RandomCommands.next(random, time), time)) {
                    fuzzed.apply(event);
                    assertThat(event).isNotInstanceOf(PlannerEvent.Unsound.class);
                    if (event instanceof PlannerEvent.Published p) {
                        assertThat(AllocationVerifier.verify(p.allocation()))
                                .as("seed %d", seed)
                                .isEmpty();
                        assertThat(p.allocation().epoch()).isEqualTo(++epoch);
                    }
                }
            }
            assertThat(epoch).as("seed %d", seed).isPositive();
        }
    }
}
