package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.ChatMessage;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.FinishReason;
import io.sluice.records.InferenceRequest;
import io.sluice.records.ServiceClass;
import io.sluice.records.Session;
import io.sluice.records.SessionState;
import io.sluice.records.Slo;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RouterRefusalTest {
    private final RouterHarness router = new RouterHarness();

    @BeforeEach
    void allocate() {
        router.allocate(TestAllocations.single(1, "a", 100_000));
    }

    @AfterEach
    void close() {
        router.close();
    }

    static Stream<Arguments> badRequests() {
        return Stream.of(
                bad(ErrorReason.INVALID_REQUEST, "this request has 0", r -> r.setPrompt(null)),
                bad(ErrorReason.INVALID_REQUEST, "this request has 2", r -> r.setPromptTokenIds(List.of(1))),
                bad(ErrorReason.INVALID_REQUEST, "this request has 3", r -> r.setPromptTokenIds(List.of(1))
                        .setMessages(List.of(new ChatMessage("user", "x")))),
                bad(ErrorReason.INVALID_REQUEST, "the prompt has no tokens", r -> r.setPrompt("")),
                bad(ErrorReason.INVALID_REQUEST, "the prompt has no tokens", r -> r.setPrompt(null)
                        .setPromptTokenIds(List.of())),
                bad(ErrorReason.INVALID_REQUEST, "prompt_token_ids[1] is 128", r -> r.setPrompt(null)
                        .setPromptTokenIds(List.of(127, 128))),
                bad(ErrorReason.INVALID_REQUEST, "prompt_token_ids[0] is -1", r -> r.setPrompt(null)
                        .setPromptTokenIds(List.of(-1))),
                bad(ErrorReason.INVALID_REQUEST, "role robot is unknown", r -> r.setPrompt(null)
                        .setMessages(List.of(new ChatMessage("robot", "x")))),
                bad(ErrorReason.INVALID_REQUEST, "max_tokens 0", r -> r.setMaxTokens(0)),
                bad(ErrorReason.INVALID_REQUEST, "temperature -0.1", r -> r.setTemperature(-0.1f)),
                bad(ErrorReason.INVALID_REQUEST, "temperature NaN", r -> r.setTemperature(Float.NaN)),
                bad(
                        ErrorReason.INVALID_REQUEST,
                        "temperature Infinity",
                        r -> r.setTemperature(Float.POSITIVE_INFINITY)),
                bad(ErrorReason.INVALID_REQUEST, "top_k -1", r -> r.setTopK(-1)),
                bad(ErrorReason.INVALID_REQUEST, "top_p 0.0", r -> r.setTopP(0)),
                bad(ErrorReason.INVALID_REQUEST, "top_p 1.5", r -> r.setTopP(1.5f)),
                bad(ErrorReason.INVALID_REQUEST, "top_p NaN", r -> r.setTopP(Float.NaN)),
                bad(ErrorReason.INVALID_REQUEST, "deadline_ms 0", r -> r.setDeadlineMs(0L)),
                bad(ErrorReason.INVALID_REQUEST, "tenant has 70000", r -> r.setTenant("x".repeat(70_000))),
                bad(
                        ErrorReason.INVALID_REQUEST,
                        "allowed_regions has 65",
                        r -> r.setAllowedRegions(Collections.nCopies(65, "eu"))),
                bad(ErrorReason.INVALID_REQUEST, "weight is 0.0", r -> r.setWeight(0)),
                bad(ErrorReason.INVALID_REQUEST, "weight is NaN", r -> r.setWeight(Double.NaN)),
                bad(ErrorReason.INVALID_REQUEST, "weight is -1.0", r -> r.setWeight(-1)),
                bad(ErrorReason.INVALID_REQUEST, "weight is Infinity", r -> r.setWeight(Double.POSITIVE_INFINITY)),
                bad(ErrorReason.INVALID_REQUEST, "slo.ttft_ms is 0: give", r -> r.setSlo(new Slo(0L, 40L))),
                bad(ErrorReason.INVALID_REQUEST, "slo.tpot_ms is -3: give", r -> r.setSlo(new Slo(null, -3L))),
                bad(
                        ErrorReason.INVALID_REQUEST,
                        "slo.ttft_ms is 86400001: give milliseconds from 1 to 86400000",
                        r -> r.setSlo(new Slo(86_400_001L, null))),
                bad(
                        ErrorReason.INVALID_REQUEST,
                        "slo.tpot_ms is 9223372036854775807",
                        r -> r.setSlo(new Slo(null, Long.MAX_VALUE))),
                bad(ErrorReason.INVALID_REQUEST, "tenant ' ' must be", r -> r.setTenant(" ")
                        .setServiceClass(ServiceClass.BEST_EFFORT)),
                bad(ErrorReason.UNKNOWN_MODEL, "model 'hymn' is not served; served: psalm", r -> r.setModel("hymn")),
                bad(
                        ErrorReason.PROMPT_TOO_LONG,
                        "the prompt has 64 tokens and model psalm has a context of 64",
                        r -> r.setPrompt("x".repeat(64))));
    }

    private static Arguments bad(ErrorReason reason, String message, Consumer<InferenceRequest.Builder> change) {
        return Arguments.of(reason, message, change);
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("badRequests")
    void shouldRefuseWithTheReason(ErrorReason reason, String message, Consumer<InferenceRequest.Builder> change) {
        InferenceRequest.Builder request = RouterHarness.request("r1");
        change.accept(request);
        router.send(request);

        assertThat(router.errors()).singleElement().satisfies(e -> {
            assertThat(e.getReason()).isEqualTo(reason);
            assertThat(e.getMessage()).contains(message);
            assertThat(e.getRequestId()).isEqualTo("r1");
            assertThat(e.getOriginTopic()).isEqualTo(Topics.REQUESTS.name());
            assertThat(e.getOriginPartition()).isZero();
            assertThat(e.getOriginOffset()).isZero();
        });
        assertThat(router.sessions()).singleElement().satisfies(s -> {
            assertThat(s.getState()).isEqualTo(SessionState.REJECTED);
            assertThat(s.getAttempt()).isZero();
        });
        assertThat(router.chunks("a")).isEmpty();
        // A refused id is free again: the client corrects its request and sends it once more.
        router.send(RouterHarness.request("r1"));
        assertThat(router.sessions()).extracting(Session::getState).containsExactly(SessionState.ASSIGNED);
    }

    @Test
    void shouldTakeThePromptThatJustFits() {
        router.send(RouterHarness.request("r1").setPrompt("x".repeat(63)));
        assertThat(router.sessions()).singleElement().satisfies(s -> assertThat(s.getMaxTokens())
                .isEqualTo(1));
    }

    @Test
    void shouldRefuseAKeyThatIsNotTheRequestId() {
        router.send("r2", RouterHarness.request("r1"));
        router.send(null, RouterHarness.request("r1"));
        assertThat(router.errors())
                .hasSize(2)
                .allSatisfy(e -> assertThat(e.getReason()).isEqualTo(ErrorReason.INVALID_REQUEST))
                .extracting(ErrorRecord::getMessage)
                .satisfiesExactly(m -> assertThat(m).contains("key 'r2'", "'r1'"), m -> assertThat(m)
                        .contains("is missing"));
        assertThat(router.sessions()).isEmpty();
    }

    @Test
    void shouldRefuseAnIdThatIsNone() {
        router.send("a b", RouterHarness.request("a b"));
        router.send("", RouterHarness.request(""));
        assertThat(router.errors()).hasSize(2).allSatisfy(e -> {
            assertThat(e.getReason()).isEqualTo(ErrorReason.INVALID_REQUEST);
            assertThat(e.getMessage()).contains("1 to 128 characters");
            assertThat(e.getRequestId()).isNull();
        });
    }

    @Test
    void shouldSendBadBytesToTheErrorsTopicAndGoOn() {
        byte[] truncated =
                Arrays.copyOf(router.bytes(RouterHarness.request("r1").build()), 9);
        byte[] unknown = ByteBuffer.allocate(20).put((byte) 0).putInt(987_654).array();
        for (TopicSpec<?> topic : List.of(Topics.REQUESTS, Topics.TOKENS)) {
            router.sendRaw(topic, "r1", new byte[] {1, 2, 3});
            router.sendRaw(topic, "r1", truncated);
            router.sendRaw(topic, "r1", unknown);
            router.sendRaw(topic, null, null);
            router.sendRaw(topic, null, "{\"prompt\": \"json\"}".getBytes(StandardCharsets.UTF_8));
            List<ErrorRecord> errors = router.errors();
            assertThat(errors)
                    .extracting(ErrorRecord::getReason)
                    .containsExactly(
                            ErrorReason.MALFORMED_RECORD,
                            ErrorReason.MALFORMED_RECORD,
                            ErrorReason.UNKNOWN_SCHEMA,
                            ErrorReason.MALFORMED_RECORD,
                            ErrorReason.MALFORMED_RECORD);
            assertThat(errors).extracting(ErrorRecord::getOriginOffset).containsExactly(0L, 1L, 2L, 3L, 4L);
            assertThat(errors).allSatisfy(e -> assertThat(e.getOriginTopic()).isEqualTo(topic.name()));
            assertThat(errors.get(0).getOriginValue()).isEqualTo(ByteBuffer.wrap(new byte[] {1, 2, 3}));
            assertThat(errors.get(2).getMessage()).contains("987654");
        }
        router.send(RouterHarness.request("r1"));
        router.finish("r1");
        assertThat(router.completions()).hasSize(1);
    }

    @Test
    void shouldSurviveRandomBytes() {
        SplittableRandom random = new SplittableRandom(11);
        byte[] request = router.bytes(RouterHarness.request("r1").build());
        byte[] token = router.bytes(router.token("r1", 0, FinishReason.STOP, "a"));
        for (int i = 0; i < 2000; i++) {
            byte[] bytes = (random.nextBoolean() ? request : token).clone();
            for (int flips = random.nextInt(4); flips >= 0; flips--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            router.sendRaw(random.nextBoolean() ? Topics.REQUESTS : Topics.TOKENS, "r1", bytes);
        }
        router.send(RouterHarness.request("sound"));
        router.finish("sound");
        assertThat(router.completions()).anyMatch(c -> c.getRequestId().equals("sound"));
    }
}
