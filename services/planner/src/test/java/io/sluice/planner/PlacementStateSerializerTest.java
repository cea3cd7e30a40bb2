package io.sluice.planner;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.WorkerId;
import io.sluice.core.planning.live.Demand;
import io.sluice.core.planning.live.PlacementState;
import io.sluice.core.planning.live.Searched;
import io.sluice.core.planning.live.Steadiness;
import io.sluice.core.planning.live.Watch;
import java.io.IOException;
import java.util.TreeMap;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

class PlacementStateSerializerTest {
    @Test
    void shouldRememberWhoComesAndGoes() throws IOException {
        TreeMap<WorkerId, Steadiness> steadiness = new TreeMap<>();
        steadiness.put(new WorkerId("w3"), new Steadiness(2.5, 1_800_000_000_000L, true));
        Watch watch = new Watch(new TreeMap<>(), 0.5, 0, Demand.NONE, Searched.NONE, steadiness);
        PlacementState state = new PlacementState("psalm");
        state.restore(new PlacementState.Rest(null, 0, 0, false, 0, 0, watch, null, 0, null));
        DataOutputSerializer out = new DataOutputSerializer(64);
        PlacementStateSerializer.INSTANCE.serialize(state, out);

        PlacementState back =
                PlacementStateSerializer.INSTANCE.deserialize(new DataInputDeserializer(out.getCopyOfBuffer()));

        assertThat(back.watch()).isEqualTo(watch);
        assertThat(PlacementStateSerializer.INSTANCE.copy(state).watch()).isEqualTo(watch);
    }
}
