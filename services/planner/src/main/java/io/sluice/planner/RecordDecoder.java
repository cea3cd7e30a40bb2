package io.sluice.planner;

import io.sluice.core.planning.PlannerCommand;
import io.sluice.core.planning.PublishedPlacement;
import io.sluice.messaging.ErrorPublisher;
import io.sluice.messaging.PlacementCodec;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.LinkTelemetry;
import io.sluice.records.Placement;
import io.sluice.records.WorkerStatus;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.RecordFormatException;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Raw records to commands. What cannot be read goes to {@link #ERRORS} with its origin, and the job goes on; only a
 * registry that does not answer stops it, because then nothing is known about the record.
 */
final class RecordDecoder extends ProcessFunction<RawRecord, PlannerInput> {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(RecordDecoder.class);

    /** Refused records. */
    static final OutputTag<ErrorRecord> ERRORS = new OutputTag<>("errors", new AvroTypeInfo<>(ErrorRecord.class));

    static final String SERVICE = "planner";

    private final RegistryProvider registries;
    private transient SchemaRegistry registry;
    private transient AvroDeserializer<WorkerStatus> workers;
    private transient AvroDeserializer<Placement> placements;
    private transient AvroDeserializer<GpuTelemetry> gpus;
    private transient AvroDeserializer<LinkTelemetry> links;

    RecordDecoder(RegistryProvider registries) {
        this.registries = registries;
    }

    @Override
    public void open(OpenContext context) {
        registry = registries.open();
        workers = new AvroDeserializer<>(registry, Topics.WORKERS);
        placements = new AvroDeserializer<>(registry, Topics.PLACEMENTS);
        gpus = new AvroDeserializer<>(registry, Topics.GPU_TELEMETRY);
        links = new AvroDeserializer<>(registry, Topics.LINK_TELEMETRY);
    }

    @Override
    public void close() {
        if (registry != null) {
            registry.close();
        }
    }

    @Override
    public void processElement(RawRecord raw, Context context, Collector<PlannerInput> out) {
        if (raw.value == null) {
            // A tombstone: compaction forgets a worker or model; the planner's lease has already done so.
            return;
        }
        try {
            out.collect(new PlannerInput(decode(raw), raw.topic, raw.partition, raw.offset));
        } catch (RecordFormatException e) {
            refuse(raw, e.reason(), e.getMessage(), context);
        } catch (IllegalArgumentException e) {
            boolean placement = raw.topic.equals(Topics.PLACEMENTS.name());
            ErrorReason reason = placement ? ErrorReason.MALFORMED_RECORD : ErrorReason.INVALID_TELEMETRY;
            refuse(raw, reason, e.getMessage(), context);
        }
    }

    private PlannerCommand decode(RawRecord raw) {
        String topic = raw.topic;
        if (topic.equals(Topics.WORKERS.name())) {
            return new PlannerCommand.Announce(PlannerCodec.decode(workers.deserialize(topic, raw.value)));
        }
        if (topic.equals(Topics.PLACEMENTS.name())) {
            PublishedPlacement placement = PlacementCodec.decodePublished(placements.deserialize(topic, raw.value));
            PlannerCodec.name(placement.plan().model(), "model");
            return new PlannerCommand.Place(PlannerCodec.shortened(placement));
        }
        if (topic.equals(Topics.GPU_TELEMETRY.name())) {
            return new PlannerCommand.MeasureDevice(PlannerCodec.decode(gpus.deserialize(topic, raw.value)));
        }
        if (topic.equals(Topics.LINK_TELEMETRY.name())) {
            return new PlannerCommand.MeasureLink(PlannerCodec.decode(links.deserialize(topic, raw.value)));
        }
        throw new IllegalStateException("topic " + topic + " is read but has no decoder");
    }

    private static void refuse(RawRecord raw, ErrorReason reason, String message, Context context) {
        LOG.warn(
                "record refused topic={} partition={} offset={} reason={} message={}",
                raw.topic,
                raw.partition,
                raw.offset,
                reason,
                message);
        long now = context.timerService().currentProcessingTime();
        context.output(ERRORS, ErrorPublisher.deadLetter(raw.toConsumerRecord(), reason, message, SERVICE, now));
    }
}
