package io.sluice.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.Limits;
import io.sluice.records.Token;
import org.junit.jupiter.api.Test;

class RecordJsonTest {
    @Test
    void shouldPrintPlainJsonWithTheSchemasNames() {
        Token token = SampleRecords.token();
        token.setFinishReason(null);

        assertThat(RecordJson.toJson(token))
                .startsWith("{\"request_id\":\"req-1\",\"attempt\":1,\"index\":3,\"token_id\":415,\"text\":\" light\","
                        + "\"finish_reason\":null,")
                .contains("\"hops\":[{\"worker\":\"w1\",\"transfer_us\":512,");
    }

    @Test
    void shouldPrintBytesAsBase64WithoutConsumingThem() {
        var batch = SampleRecords.activations(new byte[] {1, 2, 3});

        assertThat(RecordJson.toTree(batch).at("/chunks/0/payload").asText()).isEqualTo("AQID");
        assertThat(RecordJson.toTree(batch).at("/chunks/0/payload").asText()).isEqualTo("AQID");
    }

    @Test
    void shouldPrintWhatJsonHasNoNumberForAsText() {
        Limits limits = SampleRecords.limits();
        limits.setQuota(Double.NaN);

        assertThat(RecordJson.toTree(limits).get("quota").asText()).isEqualTo("NaN");
    }
}
