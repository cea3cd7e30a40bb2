package io.sluice.planner;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.planning.PlannerCommand;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.Stage;
import io.sluice.records.WorkerState;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.flink.streaming.api.operators.ProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RecordDecoderTest {
    private OneInputStreamOperatorTestHarness<RawRecord, PlannerInput> harness;

    @BeforeEach
    void open() throws Exception {
        harness =
                new OneInputStreamOperatorTestHarness<>(new ProcessOperator<>(new RecordDecoder(Records.registries())));
        harness.open();
        harness.setProcessingTime(1_000);
    }

    @AfterEach
    void close() throws Exception {
        harness.close();
    }

    private void send(RawRecord raw) throws Exception {
        harness.processElement(new StreamRecord<>(raw));
    }

    private List<ErrorRecord> errors() {
        var queue = harness.getSideOutput(RecordDecoder.ERRORS);
        return queue == null
                ? List.of()
                : queue.stream().map(StreamRecord::getValue).toList();
    }

    @Test
    void shouldDecodeEveryTopic() throws Exception {
        send(Records.raw(Records.worker("a", 0, 2, WorkerState.JOINED, 1, 5)));
        send(Records.raw(
                Topics.PLACEMENTS,
                Records.MODEL,
                Records.bytes(Topics.PLACEMENTS, Records.placement(1, new Stage("a", 0, 4)))));
        send(Records.raw(
                Topics.GPU_TELEMETRY, "a", Records.bytes(Topics.GPU_TELEMETRY, Records.gpu("a", 1, 1, 5, 1, 1))));
        send(Records.raw(
                Topics.LINK_TELEMETRY,
                "router>a",
                Records.bytes(Topics.LINK_TELEMETRY, Records.link("router", "a", 5, 1, 1))));
        List<PlannerInput> inputs = harness.extractOutputValues();
        assertThat(inputs)
                .extracting(input -> input.command().getClass().getSimpleName())
                .containsExactly("Announce", "Place", "MeasureDevice", "MeasureLink");
        assertThat(inputs).allMatch(input -> input.command().model().equals(Records.MODEL) && input.offset() == 42);
        assertThat(((PlannerCommand.MeasureLink) inputs.get(3).command())
                        .sample()
                        .from())
                .isEqualTo("source");
        assertThat(errors()).isEmpty();
    }

    @Test
    void shouldSendMalformedRecordsToTheErrorsTopicWithTheirOrigin() throws Exception {
        for (TopicSpec<?> topic :
                List.of(Topics.WORKERS, Topics.PLACEMENTS, Topics.GPU_TELEMETRY, Topics.LINK_TELEMETRY)) {
            send(Records.raw(topic, "k", "no avro".getBytes()));
        }
        assertThat(harness.extractOutputValues()).isEmpty();
        assertThat(errors()).hasSize(4).allSatisfy(error -> {
            assertThat(error.getReason()).isEqualTo(ErrorReason.MALFORMED_RECORD);
            assertThat(error.getService()).isEqualTo("planner");
            assertThat(error.getOriginOffset()).isEqualTo(42);
            assertThat(error.getOriginValueBytes()).isEqualTo(7);
            assertThat(error.getAtMs()).isEqualTo(1_000);
        });
        assertThat(errors()).extracting(ErrorRecord::getOriginTopic).contains(Topics.WORKERS.name());
    }

    @Test
    void shouldNameAnUnknownSchema() throws Exception {
        send(Records.raw(Topics.WORKERS, "a", new byte[] {0, 0x7f, 0, 0, 1, 2, 3}));
        assertThat(errors()).extracting(ErrorRecord::getReason).containsExactly(ErrorReason.UNKNOWN_SCHEMA);
    }

    @Test
    void shouldRefuseWhatTheDomainHasNoWordFor() throws Exception {
        var shouting = Records.worker("a", 0, 2, WorkerState.JOINED, 1, 5);
        shouting.setWorker("NOT AN ID");
        send(Records.raw(shouting));
        var backwards = Records.worker("a", 3, 2, WorkerState.JOINED, 1, 5);
        send(Records.raw(backwards));
        var stalled = Records.worker("a", 0, 2, WorkerState.JOINED, 1, 5);
        stalled.setDecodeTokensPerS(Double.NaN);
        send(Records.raw(stalled));
        var nameless = Records.worker("a", 0, 2, WorkerState.JOINED, 1, 5);
        nameless.setModel("x".repeat(100_000));
        send(Records.raw(nameless));
        var huge = Records.placement(1, new Stage("a", 0, 4));
        huge.setLayerCount(Integer.MAX_VALUE);
        send(Records.raw(Topics.PLACEMENTS, "m", Records.bytes(Topics.PLACEMENTS, huge)));
        assertThat(harness.extractOutputValues()).isEmpty();
        assertThat(errors())
                .extracting(ErrorRecord::getMessage)
                .satisfiesExactly(
                        m -> assertThat(m).contains("NOT AN ID"),
                        m -> assertThat(m).contains("[3, 2)"),
                        m -> assertThat(m).contains("NaN"),
                        m -> assertThat(m).contains("100000 characters"),
                        m -> assertThat(m).contains("10000 layers"));
    }

    @Test
    void shouldPassOverTombstones() throws Exception {
        send(Records.raw(Topics.WORKERS, "a", null));
        assertThat(harness.extractOutputValues()).isEmpty();
        assertThat(errors()).isEmpty();
    }

    @Test
    void shouldSurviveAnyBytes() throws Exception {
        SplittableRandom random = new SplittableRandom(9);
        byte[] good = Records.bytes(Topics.GPU_TELEMETRY, Records.gpu("a", 1, 1, 5, 1, 1));
        for (int i = 0; i < 2_000; i++) {
            byte[] bytes = good.clone();
            for (int flips = random.nextInt(1, 6); flips > 0; flips--) {
                bytes[random.nextInt(5, bytes.length)] = (byte) random.nextInt(256);
            }
            send(Records.raw(Topics.GPU_TELEMETRY, "a", bytes));
        }
        assertThat(harness.extractOutputValues().size() + errors().size()).isEqualTo(2_000);
        assertThat(errors()).isNotEmpty();
    }
}
