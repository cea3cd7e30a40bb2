package io.sluice.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.records.InferenceRequest;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchLineTest {
    private static final String LINE = "{\"custom_id\":\"c\",\"method\":\"POST\",\"url\":\"/v1/completions\",\"body\":"
            + "{\"model\":\"m\",\"prompt\":[1,2,3],\"max_tokens\":9,\"temperature\":0.5,\"top_p\":0.9,\"seed\":-7,"
            + "\"user\":\"u\",\"top_k\":3,\"ignore_eos\":true}}";

    @Test
    void canReadEverythingThatARequestSays() throws BatchLine.Problem {
        BatchLine line = BatchLine.parse(LINE, "other");
        InferenceRequest request = line.request("r").build();
        assertThat(request.getModel()).isEqualTo("m");
        assertThat(request.getPromptTokenIds()).containsExactly(1, 2, 3);
        assertThat(request.getMaxTokens()).isEqualTo(9);
        assertThat(request.getTemperature()).isEqualTo(0.5f);
        assertThat(request.getTopP()).isEqualTo(0.9f);
        assertThat(request.getTopK()).isEqualTo(3);
        assertThat(request.getSeed()).isEqualTo(-7);
        assertThat(request.getIgnoreEos()).isTrue();
        assertThat(line.hasSeed()).isTrue();
        assertThat(line.expectedTokens()).isEqualTo(9 + 3 + 1);
    }

    @ParameterizedTest(name = "{2}")
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "\"custom_id\":\"c\"~\"custom_id\":7~custom_id is 7",
                "\"POST\"~\"GET\"~method is \"GET\"",
                "/v1/completions~/v2~url is \"/v2\"",
                "[1,2,3]~[1,2.5]~prompt has the element 2.5",
                "[1,2,3]~null~prompt is null",
                "\"model\":\"m\"~\"model\":3~model is 3",
                "\"seed\":-7~\"seed\":1.5~seed is 1.5",
                "\"seed\":-7~\"n\":2~n is 2",
                "0.5~\"hot\"~temperature is \"hot\"",
                "true}}~true}} x~the line is no JSON",
            })
    void shouldSayWhatIsWrong(String right, String wrong, String message) {
        assertThat(LINE).contains(right);
        assertThatThrownBy(() -> BatchLine.parse(LINE.replace(right, wrong), ""))
                .isInstanceOf(BatchLine.Problem.class)
                .hasMessageContaining(message);
    }

    @Test
    void shouldEitherReadOrRefuseWhateverComes() {
        SplittableRandom random = new SplittableRandom(3);
        int read = 0;
        for (int i = 0; i < 20_000; i++) {
            StringBuilder line = new StringBuilder(LINE);
            for (int flips = random.nextInt(4); flips > 0; flips--) {
                line.setCharAt(random.nextInt(line.length()), (char) random.nextInt(32, 127));
            }
            try {
                BatchLine.parse(line.toString(), "m").request("r").build();
                read++;
            } catch (BatchLine.Problem expected) {
                assertThat(expected).hasMessageMatching("(?s).{5,}");
            }
        }
        assertThat(read).isPositive();
    }
}
