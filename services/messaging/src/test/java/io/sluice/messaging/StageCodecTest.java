package io.sluice.messaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.records.Placement;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StageCodecTest {
    private static final List<Stage> STAGES = List.of(
            new Stage(new WorkerId("w1"), new LayerRange(0, 4)), new Stage(new WorkerId("w2"), new LayerRange(4, 6)));

    @Test
    void shouldSurviveTheRoundTrip() {
        assertThat(StageCodec.decode(StageCodec.encode(STAGES))).isEqualTo(STAGES);
        assertThat(StageCodec.decodePipeline(StageCodec.encode(new Pipeline(STAGES))))
                .isEqualTo(new Pipeline(STAGES));
    }

    @Test
    void shouldNameTheFieldsOfAnEmptyLayerRange() {
        assertThatThrownBy(() -> StageCodec.decode(new io.sluice.records.Stage("w1", 4, 4)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("first_layer 4 and end_layer 4");
    }

    @Test
    void shouldRefuseAPipelineWithAGap() {
        assertThatThrownBy(() -> StageCodec.decodePipeline(StageCodec.encode(STAGES.subList(1, 2))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("must enter layer 0");
    }

    @ParameterizedTest
    @EnumSource(ServiceClass.class)
    void shouldTranslateServiceClassesBothWays(ServiceClass serviceClass) {
        assertThat(StageCodec.decode(StageCodec.encode(serviceClass))).isEqualTo(serviceClass);
    }

    @Test
    void shouldTranslatePlacementsBothWays() {
        PlacementPlan plan = new PlacementPlan("psalm", 3, 6, 192, 2, STAGES);

        Placement record = PlacementCodec.encode(plan, "by hand", 5);

        assertThat(record.getMethod()).isEqualTo("by hand");
        assertThat(PlacementCodec.decode(record)).isEqualTo(plan);
    }

    @Test
    void shouldNamePlacementAndFieldOfNonsense() {
        Placement record = PlacementCodec.encode(new PlacementPlan("psalm", 3, 6, 192, 2, STAGES), "by hand", 5);
        record.setHiddenSize(0);

        assertThatThrownBy(() -> PlacementCodec.decode(record))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("placement of psalm epoch 3")
                .hasMessageContaining("hidden size 0");
    }
}
