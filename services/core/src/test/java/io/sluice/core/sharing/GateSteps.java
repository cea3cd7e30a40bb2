package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.sharing.GateDecision.Start;
import io.sluice.core.sharing.GateDecision.Wait;
import java.util.List;

/** What tests do with a {@link SliceGate}. */
final class GateSteps {
    static final long SECOND = 1_000_000_000L;
    static final long FOREVER = Long.MAX_VALUE;
    static final long BOUND = 100_000;

    static SliceOffer offer(String tenant, int lanes) {
        return new SliceOffer(new TenantId(tenant), 1, "k", 1_000, lanes, 0);
    }

    static RunningSlice started(GateDecision decision) {
        assertThat(decision).isInstanceOf(Start.class);
        return ((Start) decision).slice();
    }

    static Wait refused(GateDecision decision) {
        assertThat(decision).isInstanceOf(Wait.class);
        return (Wait) decision;
    }

    /** Lets a kind of 10 ns a unit become known on {@code lanes} lanes; the gate is idle before and after. */
    static long prove(SliceGate gate, String tenant, int lanes, long from) {
        long now = from;
        for (int i = 0; i < SliceProfile.PROVEN; i++) {
            RunningSlice slice = started(gate.next(List.of(offer(tenant, lanes)), now));
            assertThat(slice.units()).isEqualTo(1);
            now += 10;
            gate.finished(slice.id(), 1, now);
        }
        return now;
    }

    private GateSteps() {}
}
