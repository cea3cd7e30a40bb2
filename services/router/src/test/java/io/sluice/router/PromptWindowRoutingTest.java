package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.routing.PromptPace;
import io.sluice.core.routing.Route;
import io.sluice.core.routing.Route.Blocked;
import io.sluice.core.routing.Route.Cause;
import io.sluice.core.routing.Route.Routed;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionPhase;
import io.sluice.core.slo.Slo;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Prompts are held back under the policy sluice while those that are being computed are many. */
class PromptWindowRoutingTest {
    private static final String MODEL = TestAllocations.MODEL;

    private final List<RoutedRequest> sent = new ArrayList<>();
    private SharedDispatch dispatch = dispatch(RoutingPolicy.SLUICE);
    private int ids;
    private long nowMs;

    private static SharedDispatch dispatch(RoutingPolicy policy) {
        RouterConfig config = RouterHarness.config(new SimpleMeterRegistry())
                .withPolicy(policy)
                .withQueue(8, Duration.ofSeconds(1));
        SharedDispatch created = new SharedDispatch(config, 1, worker -> true, RouterHarness.members());
        created.join(0);
        created.accept(TestAllocations.single(1, "a", 1_000_000));
        return created;
    }

    private RoutedRequest request() {
        return new RoutedRequest(
                new SessionId("r" + ids++),
                MODEL,
                "t",
                new int[100],
                4,
                64,
                0,
                0,
                1,
                0,
                false,
                ServiceClass.LATENCY_CRITICAL,
                1,
                Slo.NONE,
                List.of(),
                0,
                0,
                0);
    }

    private Route route() {
        RoutedRequest request = request();
        Route route = dispatch.route(0, request, nowMs, nowMs);
        if (route instanceof Routed) {
            sent.add(request);
        }
        return route;
    }

    /** A few prompts of 100 tokens and one second each, one after the other. */
    private void learn() {
        for (int i = 0; i < PromptPace.LEAST_PROMPTS; i++) {
            assertThat(route()).isInstanceOf(Routed.class);
            nowMs += 1_000;
            dispatch.firstToken(sent.getLast().id(), nowMs);
            dispatch.release(sent.getLast().id());
        }
        sent.clear();
    }

    private void fill() {
        for (int i = 0; i < PromptGate.FIRST_PROMPTS; i++) {
            assertThat(route()).isInstanceOf(Routed.class);
        }
        Blocked blocked = (Blocked) route();
        assertThat(blocked.cause()).isEqualTo(Cause.PROMPTS_BUSY);
        assertThat(blocked.cause().holdsBackOthers()).isTrue();
        assertThat(blocked.message()).contains("12 prompts are being computed", "--policy sluice", "less load");
    }

    @Test
    void shouldAdmitEverythingUntilAFewPromptsWereSeen() {
        for (int i = 0; i < 100; i++) {
            assertThat(route()).isInstanceOf(Routed.class);
        }
        assertThat(dispatch.prompts(MODEL)).isEqualTo(100);
        assertThat(dispatch.promptLimit(MODEL)).as("none").isZero();
        nowMs += 1_000;
        sent.subList(0, PromptPace.LEAST_PROMPTS).forEach(r -> dispatch.firstToken(r.id(), nowMs));
        assertThat(dispatch.promptLimit(MODEL)).isPositive();
        assertThat(route()).as("those sent before count").isInstanceOf(Blocked.class);
    }

    @Test
    void shouldHoldBackUntilAPromptHasItsFirstToken() {
        learn();
        fill();
        nowMs += 1_000;
        assertThat(dispatch.firstToken(sent.getFirst().id(), nowMs)).isTrue();
        assertThat(dispatch.firstToken(sent.getFirst().id(), nowMs))
                .as("only once")
                .isFalse();
        assertThat(route()).isInstanceOf(Routed.class);
        assertThat(route()).isInstanceOf(Blocked.class);
    }

    @Test
    void shouldHoldBackUntilASessionEndsOrIsInterrupted() {
        learn();
        fill();
        dispatch.release(sent.get(0).id());
        assertThat(route()).isInstanceOf(Routed.class);
        assertThat(route()).isInstanceOf(Blocked.class);
        dispatch.promptOver(sent.get(1).id());
        dispatch.promptOver(sent.get(1).id());
        assertThat(route()).isInstanceOf(Routed.class);
        assertThat(route()).isInstanceOf(Blocked.class);
    }

    @Test
    void shouldNotHoldBackASessionThatMustMove() {
        learn();
        fill();
        Pipeline pipeline = new Pipeline(List.of(new Stage(new WorkerId("a"), new LayerRange(0, 4))));
        assertThat(dispatch.reroute(sent.getFirst(), pipeline, Set.of())).isInstanceOf(Routed.class);
    }

    @Test
    void shouldHoldBackFewerWherePromptsQueueUpAndMoreWhereTheyDoNot() {
        learn();
        fill();
        computeAll(10_000, 40);
        assertThat(dispatch.promptLimit(MODEL)).isLessThan(PromptGate.FIRST_PROMPTS - 1);
        computeAll(1_000, 400);
        assertThat(dispatch.promptLimit(MODEL)).isGreaterThan(PromptGate.FIRST_PROMPTS + 1);
    }

    private void computeAll(long tookMs, int rounds) {
        for (int i = 0; i < rounds; i++) {
            if (sent.isEmpty()) {
                route();
            }
            nowMs += tookMs;
            List<RoutedRequest> computed = new ArrayList<>(sent);
            sent.clear();
            computed.forEach(r -> {
                dispatch.firstToken(r.id(), nowMs);
                dispatch.release(r.id());
            });
        }
    }

    @Test
    void shouldNotCountBelowZeroAfterARestart() {
        learn();
        Pipeline pipeline = new Pipeline(List.of(new Stage(new WorkerId("a"), new LayerRange(0, 4))));
        dispatch = dispatch(RoutingPolicy.SLUICE);
        List<RoutedRequest> restored = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            RoutedRequest request = request();
            restored.add(request);
            int tokens = i < 15 ? 0 : 3;
            dispatch.restore(
                    0, request, new SessionLife(request.id(), SessionPhase.ACTIVE, 1, 1, pipeline, tokens, 0, 0));
        }
        assertThat(dispatch.prompts(MODEL)).as("those without a token").isEqualTo(15);
        learn();
        assertThat(route()).as("their time is not known, but they are there").isInstanceOf(Blocked.class);
        for (RoutedRequest request : restored) {
            dispatch.firstToken(request.id(), nowMs);
            dispatch.promptOver(request.id());
            dispatch.release(request.id());
            dispatch.release(request.id());
        }
        assertThat(dispatch.prompts(MODEL)).isZero();
        fill();
    }

    @Test
    void shouldForgetWhatALostPartitionComputed() {
        learn();
        fill();
        dispatch.leave(0);
        assertThat(dispatch.prompts(MODEL)).isZero();
        sent.clear();
        dispatch.join(0);
        fill();
    }

    @Test
    void shouldNotHoldBackUnderOtherPolicies() {
        dispatch = dispatch(RoutingPolicy.MAX_FLOW);
        learn();
        for (int i = 0; i < 200; i++) {
            assertThat(route()).isInstanceOf(Routed.class);
        }
        assertThat(dispatch.prompts(MODEL)).isZero();
        assertThat(dispatch.firstToken(sent.getFirst().id(), nowMs)).isFalse();
    }

    @Test
    void shouldSendTheNextPromptAtAFirstTokenOrAnInterruption() {
        try (RouterHarness router = new RouterHarness(config -> config.withPolicy(RoutingPolicy.SLUICE), 1)) {
            router.alive(1, "a", "b", "c", "d");
            router.allocate(TestAllocations.diamond(1, 1_000_000));
            for (int i = 0; i < PromptPace.LEAST_PROMPTS; i++) {
                router.send(RouterHarness.request("early" + i));
                router.advance(Duration.ofMillis(400));
                router.finish("early" + i);
            }
            assertThat(router.gauge("sluice.router.prompts.limit")).isEqualTo(PromptGate.FIRST_PROMPTS);
            for (int i = 0; i < PromptGate.FIRST_PROMPTS + 20; i++) {
                router.send(RouterHarness.request("r" + i).setMaxTokens(10));
            }
            assertThat(router.gauge("sluice.router.prompts.under.way")).isEqualTo(PromptGate.FIRST_PROMPTS);
            assertThat(router.gauge("sluice.router.queue.length")).isEqualTo(20);

            router.advance(Duration.ofMillis(400));
            router.send(router.token("r0", 0, null));
            assertThat(router.gauge("sluice.router.queue.length"))
                    .as("at once; the session runs on")
                    .isEqualTo(19);
            assertThat(router.gauge("sluice.router.active.sessions")).isEqualTo(PromptGate.FIRST_PROMPTS + 1);

            router.gone(1, "b", "d");
            router.advance(Duration.ofMillis(100));
            assertThat(router.gauge("sluice.router.queue.length"))
                    .as("prompts of lost workers are sent again at once, and are not counted")
                    .isLessThan(19);
            assertThat(router.gauge("sluice.router.prompts.under.way")).isEqualTo(PromptGate.FIRST_PROMPTS);
            assertThat(router.errors()).isEmpty();
        }
    }
}
