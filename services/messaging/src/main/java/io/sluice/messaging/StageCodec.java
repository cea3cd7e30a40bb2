package io.sluice.messaging;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import java.util.List;

/**
 * Stages, pipelines and service classes between wire and domain. Decoding throws {@link IllegalArgumentException} that
 * names field and value. Stateless.
 */
public final class StageCodec {
    private StageCodec() {}

    public static io.sluice.records.Stage encode(Stage stage) {
        return new io.sluice.records.Stage(
                stage.worker().value(), stage.layers().first(), stage.layers().end());
    }

    public static List<io.sluice.records.Stage> encode(List<Stage> stages) {
        return stages.stream().map(StageCodec::encode).toList();
    }

    public static List<io.sluice.records.Stage> encode(Pipeline pipeline) {
        return encode(pipeline.stages());
    }

    public static Stage decode(io.sluice.records.Stage stage) {
        return new Stage(new WorkerId(stage.getWorker()), layers(stage.getFirstLayer(), stage.getEndLayer()));
    }

    public static List<Stage> decode(List<io.sluice.records.Stage> stages) {
        return stages.stream().map(StageCodec::decode).toList();
    }

    /** The pipeline; fails unless the stages cover every layer from 0 once, in order. */
    public static Pipeline decodePipeline(List<io.sluice.records.Stage> stages) {
        return new Pipeline(decode(stages));
    }

    public static io.sluice.records.ServiceClass encode(ServiceClass serviceClass) {
        return switch (serviceClass) {
            case LATENCY_CRITICAL -> io.sluice.records.ServiceClass.LATENCY_CRITICAL;
            case BEST_EFFORT -> io.sluice.records.ServiceClass.BEST_EFFORT;
        };
    }

    public static ServiceClass decode(io.sluice.records.ServiceClass serviceClass) {
        return switch (serviceClass) {
            case LATENCY_CRITICAL -> ServiceClass.LATENCY_CRITICAL;
            case BEST_EFFORT -> ServiceClass.BEST_EFFORT;
        };
    }

    static LayerRange layers(int first, int end) {
        if (first < 0 || end <= first) {
            throw new IllegalArgumentException(
                    "first_layer " + first + " and end_layer " + end + " must be 0 <= first_layer < end_layer");
        }
        return new LayerRange(first, end);
    }
}
