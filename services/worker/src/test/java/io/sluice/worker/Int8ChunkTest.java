package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.records.ActivationChunk;
import io.sluice.records.DType;
import io.sluice.runtime.ActivationDtype;
import java.nio.FloatBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

final class Int8ChunkTest {
    private static final WorkerId NEXT = new WorkerId("next");
    private static final int HIDDEN = FakeStageRunner.config().hiddenSize();

    private final ChunkReader reader = new ChunkReader(FakeStageRunner.config(), "served", NEXT);

    @Test
    void shouldReadInt8BlocksAsTheyWereWrittenAlsoWhenCutForASlowLink() {
        int count = 40;
        FloatBuffer hidden = FloatBuffer.allocate(count * HIDDEN);
        for (int i = 0; i < hidden.capacity(); i++) {
            hidden.put(i, (float) Math.sin(i) * (1 + i / HIDDEN));
        }
        ChunkWriter writer = new ChunkWriter(PayloadTypes.fixed(ActivationDtype.INT8_BLOCK), HIDDEN, 1 << 20);
        InboundChunk source =
                InboundChunk.tokens(new SessionId("r1"), 1, 0, new int[count], true, null, List.of(), null);
        ActivationChunk chunk =
                writer.hidden(source, NEXT, 1, hidden, null, List.of()).getFirst();
        assertThat(chunk.getDtype()).isEqualTo(DType.INT8_BLOCK);
        assertThat(chunk.getPayload().remaining()).isEqualTo(count * ActivationDtype.INT8_BLOCK.rowBytes(HIDDEN));

        int row = 0;
        for (ActivationChunk part : LinkPacer.cut(chunk, 16)) {
            FloatBuffer read = reader.read(part, new Arrival("a", 0, 0, 0)).hidden();
            for (int i = 0; i < read.remaining(); i++) {
                float exact = hidden.get(row * HIDDEN + i);
                int scaleOf = row + i / HIDDEN + 1;
                assertThat(read.get(i)).isCloseTo(exact, within(scaleOf / 254f * 1.01f));
            }
            row += part.getCount();
        }
        assertThat(row).isEqualTo(count);
    }
}
