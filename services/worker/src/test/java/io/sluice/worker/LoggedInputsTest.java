package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.LogRange;
import io.sluice.core.stage.LogPicker;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class LoggedInputsTest {
    private static final Arrival LOG = new Arrival("log", 0, 0, Arrival.NOT_LOGGED);
    private static final List<LogRange> RANGES = List.of(new LogRange(new WorkerId("b"), 3, 40));

    private final ChunkReader reader = new ChunkReader(FakeStageRunner.config(), "served", new WorkerId("c"));

    @Test
    void shouldGiveEveryPositionBeforeTheStartOnce() {
        LoggedInputs inputs = inputs(9, 2);
        take(inputs, chunk("r1", 1, 0, 4), chunk("other", 1, 0, 9));
        take(inputs, chunk("r1", 1, 4, 3));
        take(inputs, chunk("r1", 1, 4, 3)); // sent again
        take(inputs, chunk("r1", 1, 7, 1));
        take(inputs, chunk("r1", 1, 8, 1));
        take(inputs, chunk("r1", 1, 9, 1)); // beyond the start

        assertThat(values(inputs)).containsExactly(1000f, 1001f, 1002f, 1003f, 1004f, 1005f, 1006f, 1007f, 1008f);
        assertThat(inputs.inOrder(reader, LOG)).allSatisfy(chunk -> {
            assertThat(chunk.attempt()).isEqualTo(2);
            assertThat(chunk.lastOfPrompt()).isFalse();
            assertThat(chunk.plan()).isNull();
        });
    }

    @Test
    void shouldCutAChunkThatReachesBeyondTheStart() {
        LoggedInputs inputs = inputs(3, 2);
        take(inputs, chunk("r1", 1, 0, 8));

        assertThat(values(inputs)).containsExactly(1000f, 1001f, 1002f);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void shouldPreferTheNewerAttemptFromWhereItTookOverWhateverTheOrder(long seed) {
        List<ActivationChunk> chunks = new ArrayList<>(List.of(
                chunk("r1", 1, 0, 4),
                chunk("r1", 1, 4, 1),
                chunk("r1", 1, 5, 1), // computed, but its token never counted
                chunk("r1", 1, 6, 1),
                chunk("r1", 3, 5, 1),
                chunk("r1", 3, 6, 1),
                chunk("r1", 4, 7, 1)));
        Collections.shuffle(chunks, new Random(seed));
        LoggedInputs inputs = inputs(8, 5);
        chunks.forEach(chunk -> take(inputs, chunk));

        assertThat(values(inputs)).containsExactly(1000f, 1001f, 1002f, 1003f, 1004f, 3005f, 3006f, 4007f);
    }

    @Test
    void shouldTakeNothingFromBeforeAnAttemptThatBeganAnew() {
        LoggedInputs inputs = inputs(4, 3);
        take(inputs, chunk("r1", 1, 0, 3), chunk("r1", 1, 3, 1), chunk("r1", 2, 0, 4));

        assertThat(values(inputs)).containsExactly(2000f, 2001f, 2002f, 2003f);
    }

    @Test
    void shouldPassOverOtherLayersOtherKindsAndItsOwnAttempt() {
        LoggedInputs inputs = inputs(2, 2);
        ActivationChunk elsewhere = chunk("r1", 1, 0, 2);
        elsewhere.setEnterLayer(4);
        take(inputs, elsewhere, chunk("r1", 2, 0, 2), LocalCluster.drop("r1", 1));

        assertThatThrownBy(() -> inputs.inOrder(reader, LOG)).hasMessageContaining("position 0");
    }

    @Test
    void shouldNameThePositionThatIsMissing() {
        LoggedInputs inputs = inputs(6, 2);
        take(inputs, chunk("r1", 1, 0, 3), chunk("r1", 1, 4, 2));

        assertThatThrownBy(() -> inputs.inOrder(reader, LOG))
                .hasMessageContaining("position 3 of session r1 is not in [b@[3, 40)]");
    }

    @Test
    void shouldSeeInTheBytesWhetherTheSessionMayBeInARecord() {
        LoggedInputs inputs = inputs(1, 2);

        assertThat(inputs.mayBeIn("xxr1".getBytes(StandardCharsets.UTF_8))).isTrue();
        assertThat(inputs.mayBeIn("r".getBytes(StandardCharsets.UTF_8))).isFalse();
        assertThat(inputs.mayBeIn("rrrr2 1".getBytes(StandardCharsets.UTF_8))).isFalse();
    }

    private static LoggedInputs inputs(int start, int attempt) {
        return new LoggedInputs(new LogPicker.Want(new SessionId("r1"), attempt, 2, start, RANGES));
    }

    private static void take(LoggedInputs inputs, ActivationChunk... chunks) {
        inputs.take(new ActivationBatch("a", 0L, List.of(chunks)));
    }

    private List<Float> values(LoggedInputs inputs) {
        List<Float> values = new ArrayList<>();
        for (InboundChunk chunk : inputs.inOrder(reader, LOG)) {
            assertThat(chunk.position()).isEqualTo(values.size());
            for (int i = 0; i < chunk.count(); i++) {
                values.add(chunk.hidden().get(chunk.hidden().position() + i * FakeStageRunner.HIDDEN));
            }
        }
        return values;
    }

    /** Hidden states that tell attempt and position. */
    private static ActivationChunk chunk(String session, int attempt, int position, int count) {
        ByteBuffer payload =
                ByteBuffer.allocate(count * FakeStageRunner.HIDDEN * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < FakeStageRunner.HIDDEN; j++) {
                payload.putFloat(1000 * attempt + position + i);
            }
        }
        ActivationChunk chunk = LocalCluster.tokenChunk(session, attempt, position, List.of(), null);
        chunk.setCount(count);
        chunk.setEnterLayer(2);
        chunk.setDtype(DType.FP32);
        chunk.setHidden(FakeStageRunner.HIDDEN);
        chunk.setPayload(payload.flip());
        return chunk;
    }
}
