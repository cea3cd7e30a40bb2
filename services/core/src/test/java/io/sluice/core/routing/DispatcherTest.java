package io.sluice.core.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.SessionId;
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
}
