package io.sluice.core.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import io.sluice.core.routing.Route.Blocked;
import io.sluice.core.routing.Route.Cause;
import io.sluice.core.routing.Route.Routed;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DispatcherTest {
    private final Dispatcher dispatcher = new Dispatcher("psalm", RoutingPolicy.MAX_FLOW, 0.9);

    private static Allocation chain(long epoch, int kv) {
        return Allocations.of(
                epoch, 4, List.of("a:0-2@eu#" + kv, "b:2-4@us#" + kv), "a>b=10", "b>sink=10", "source>a=10");
    }

    private Route route(String id, int kv, String... regions) {
        return dispatcher.route(new SessionId(id), 10, kv, Set.of(regions), worker -> true);
    }

    private static Cause cause(Route route) {
        return ((Blocked) route).cause();
    }

    @Test
    void shouldSayWhyNothingCanBeRouted() {
        assertThat(cause(route("x", 64))).isEqualTo(Cause.NO_ALLOCATION);
        dispatcher.accept(Allocations.of(1, 4, List.of("a:0-2"), "source>a=0"));
        assertThat(cause(route("x", 64))).isEqualTo(Cause.NO_FLOW);
        dispatcher.accept(chain(2, 1000));
        assertThat(cause(dispatcher.route(
                        new SessionId("x"), 10, 64, Set.of(), worker -> !worker.equals(new WorkerId("b")))))
                .isEqualTo(Cause.NOT_READY);
        assertThat(cause(route("x", 64, "eu"))).isEqualTo(Cause.REGION);
        Route tooSmall = route("x", 1024);
        assertThat(cause(tooSmall)).isEqualTo(Cause.KV_TOO_SMALL);
        assertThat(((Blocked) tooSmall).message()).contains("1024 tokens", "max_tokens");
        assertThat(route("y", 512)).isInstanceOf(Routed.class);
        assertThat(cause(route("x", 512))).isEqualTo(Cause.KV_BUSY);
        dispatcher.release(new SessionId("y"));
        assertThat(route("x", 512, "eu", "us")).isInstanceOf(Routed.class);
    }

    @Test
    void shouldUseTheNewestEpochOnly() {
        assertThat(dispatcher.accept(chain(5, 1000))).isTrue();
        assertThat(dispatcher.accept(chain(5, 10))).isFalse();
        assertThat(dispatcher.accept(chain(4, 10))).isFalse();
        assertThat(route("x", 512))
                .isInstanceOfSatisfying(Routed.class, r -> assertThat(r.epoch()).isEqualTo(5));
        assertThat(dispatcher.accept(chain(6, 2000))).isTrue();
        assertThat(dispatcher.reserved(new WorkerId("a")))
                .as("sessions in flight stay")
                .isEqualTo(512);
        assertThatThrownBy(() -> new Dispatcher("other", RoutingPolicy.MAX_FLOW, 0.9).accept(chain(1, 1)))
                .hasMessageContaining("psalm");
    }

    private static final WorkerId A = new WorkerId("a");
    private static final WorkerId B = new WorkerId("b");
    private static final WorkerId C = new WorkerId("c");

    /** a and b hold the first half, c and d the second; all flow goes over a and c. */
    private static Allocation diamond(long epoch, int kv) {
        return Allocations.of(
                epoch,
                4,
                List.of("a:0-2#" + kv, "b:0-2#" + kv, "c:2-4#" + kv, "d:2-4#" + kv),
                "a>c=10",
                "b>d=1",
                "c>sink=10",
                "d>sink=1",
                "source>a=10",
                "source>b=1");
    }

    private Route reroute(String id, Pipeline pipeline, int kv, Set<WorkerId> avoid) {
        return dispatcher.reroute(
                new SessionId(id), pipeline, 10, kv, Set.of(), avoid, worker -> !avoid.contains(worker));
    }

    private static List<String> workers(Route route) {
        return ((Routed) route)
                .pipeline().stages().stream()
                        .map(stage -> stage.worker().value())
                        .toList();
    }

    @Test
    void shouldMoveOnlyTheLostStageAndItsReservation() {
        dispatcher.accept(diamond(3, 1000));
        Pipeline pipeline = ((Routed) route("x", 100)).pipeline();
        assertThat(pipeline.first().worker()).isEqualTo(A);
        Route moved = reroute("x", pipeline, 100, Set.of(C));
        assertThat(workers(moved)).containsExactly("a", "d");
        assertThat(((Routed) moved).epoch()).isEqualTo(3);
        assertThat(dispatcher.reserved(A)).isEqualTo(100);
        assertThat(dispatcher.reserved(C)).isZero();
        assertThat(dispatcher.reserved(new WorkerId("d"))).isEqualTo(100);
        dispatcher.release(new SessionId("x"));
        assertThat(dispatcher.reserved(A)).isZero();
        assertThat(dispatcher.sessions()).isZero();
    }

    @Test
    void shouldKeepWhatItHasWhileThereIsNowhereToGo() {
        dispatcher.accept(diamond(3, 1000));
        Pipeline pipeline = ((Routed) route("x", 100)).pipeline();
        assertThat(cause(reroute("x", pipeline, 100, Set.of(A, B)))).isEqualTo(Cause.NOT_READY);
        assertThat(dispatcher.reserved(A)).isEqualTo(100);
        assertThat(dispatcher.reserved(C)).isEqualTo(100);
    }

    @Test
    void shouldTakeANewPipelineWhereNoStageFitsInPlace() {
        dispatcher.accept(Allocations.of(
                1,
                4,
                List.of("a:0-2", "b:0-3", "c:2-4", "d:3-4"),
                "a>c=10",
                "b>d=1",
                "c>sink=10",
                "d>sink=1",
                "source>a=10",
                "source>b=1"));
        Pipeline pipeline = ((Routed) route("x", 100)).pipeline();
        assertThat(workers(reroute("x", pipeline, 100, Set.of(C))))
                .as("d holds only a part of what c held, b the rest")
                .containsExactly("a", "b", "d");
        assertThat(workers(reroute("x", pipeline, 100, Set.of(A, C)))).containsExactly("b", "d");
    }

    @Test
    void shouldNotOverbookTheWorkerThatStandsIn() {
        dispatcher.accept(diamond(1, 1000));
        Pipeline pipeline = ((Routed) route("x", 500)).pipeline();
        dispatcher.restore(
                new SessionId("y"),
                new Pipeline(List.of(
                        new Stage(B, new LayerRange(0, 2)), new Stage(new WorkerId("d"), new LayerRange(2, 4)))),
                600);
        assertThat(cause(reroute("x", pipeline, 500, Set.of(C)))).isEqualTo(Cause.KV_BUSY);
        dispatcher.release(new SessionId("y"));
        assertThat(reroute("x", pipeline, 500, Set.of(C))).isInstanceOf(Routed.class);
    }

    @Test
    void shouldMoveAllThatASessionHasGrownTo() {
        dispatcher.accept(diamond(1, 1000));
        Pipeline pipeline = ((Routed) route("x", 100)).pipeline();
        dispatcher.grow(new SessionId("x"), 300);
        assertThat(reroute("x", pipeline, 100, Set.of(C))).isInstanceOf(Routed.class);
        assertThat(dispatcher.reserved(new WorkerId("d"))).isEqualTo(300);
        dispatcher.release(new SessionId("x"));
    }

    @Test
    void shouldSplitEachClassByItself() {
        dispatcher.accept(Allocations.of(
                1, 2, List.of("a:0-2#100000", "b:0-2#100000"), "a>sink=10", "b>sink=10", "source>a=10", "source>b=10"));
        for (int i = 0; i < 20; i++) {
            Route interactive = route("i" + i, 64);
            Route batch = dispatcher.route(
                    new SessionId("b" + i), ServiceClass.BEST_EFFORT, 10, 64, Set.of(), worker -> true);
            assertThat(workers(interactive))
                    .as("both classes alternate in step")
                    .isEqualTo(workers(batch));
        }
        assertThat(dispatcher.reserved(A)).isEqualTo(20 * 64);
    }

    @Test
    void shouldKeepTheClassOfASessionThatMoves() {
        dispatcher.accept(diamond(3, 1000));
        Route route = dispatcher.route(new SessionId("b"), ServiceClass.BEST_EFFORT, 10, 400, Set.of(), worker -> true);
        Route moved = reroute("b", ((Routed) route).pipeline(), 400, Set.of(C));
        assertThat(workers(moved)).containsExactly("a", "d");
        Route second = dispatcher.route(
                new SessionId("b2"), ServiceClass.BEST_EFFORT, 10, 200, Set.of(), worker -> !worker.equals(C));
        assertThat(cause(second)).as("half of 1000 is what it may hold on d").isEqualTo(Cause.KV_BUSY);
        assertThat(cause(dispatcher.route(
                        new SessionId("b3"), ServiceClass.BEST_EFFORT, 10, 512, Set.of(), worker -> true)))
                .isEqualTo(Cause.KV_TOO_SMALL);
    }
}
