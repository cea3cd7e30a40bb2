package io.sluice.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.launcher.stack.StackConfig;
import io.sluice.launcher.stack.WorkerSpec;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.LoadPlan;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Completion;
import io.sluice.records.ErrorRecord;
import io.sluice.records.FinishReason;
import io.sluice.records.Stage;
import io.sluice.records.Token;
import io.sluice.runtime.ActivationDtype;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import io.sluice.worker.device.DeviceSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.IsolationLevel;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * However the layers are cut, every token is the reference's. The stacks follow each other in one data folder, so each
 * also starts on the topics, placements and epochs that another pipeline left there.
 */
final class PipelineEqualityIT {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Duration POLL = Duration.ofMillis(100);

    @TempDir
    static Path data;

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"0-6", "0-2 2-3 3-5 5-6"})
    void shouldYieldTheReferenceTokensOfAllPromptsAtOnceWithLayers(String layers) throws Exception {
        List<LayerRange> ranges =
                Arrays.stream(layers.split(" ")).map(LayerRange::parse).toList();
        List<PsalmReference.Case> cases = PsalmReference.cases();
        String run = "stages" + ranges.size() + "-";

        try (EmbeddedStack stack = EmbeddedStack.start(config(ranges), Progress.on(System.out));
                TopicTail<Token> tokenTail = tail(stack, Topics.TOKENS);
                TopicTail<Completion> completionTail = tail(stack, Topics.COMPLETIONS);
                TopicTail<ErrorRecord> errorTail = tail(stack, Topics.ERRORS)) {
            LoadGenerator.Run result = sendAllAtOnce(stack, cases, run);
            assertThat(result.unanswered()).isZero();

            List<Completion> completions = rest(completionTail);
            assertThat(rest(errorTail)).isEmpty();
            assertThat(completions)
                    .extracting(Completion::getRequestId)
                    .containsExactlyInAnyOrderElementsOf(IntStream.range(0, cases.size())
                            .mapToObj(i -> run + i)
                            .toList());
            var streamed = rest(tokenTail).stream().collect(Collectors.groupingBy(Token::getRequestId));
            for (Completion completion : completions) {
                String id = completion.getRequestId();
                PsalmReference.Case wanted = cases.get(Integer.parseInt(id.substring(run.length())));
                verify(completion, wanted, ranges);
                assertThat(asAClientReads(streamed.get(id))).as(id).isEqualTo(wanted.tokenIds());
            }
        }
    }

    private static void verify(Completion completion, PsalmReference.Case wanted, List<LayerRange> ranges) {
        assertThat(completion.getPromptTokenIds()).isEqualTo(wanted.promptTokenIds());
        assertThat(completion.getTokenIds()).as(wanted.prompt()).isEqualTo(wanted.tokenIds());
        assertThat(completion.getFinishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(completion.getPipeline())
                .extracting(Stage::getWorker, Stage::getFirstLayer, Stage::getEndLayer)
                .containsExactlyElementsOf(IntStream.range(0, ranges.size())
                        .mapToObj(i -> tuple(
                                worker(i).value(),
                                ranges.get(i).first(),
                                ranges.get(i).end()))
                        .toList());
    }

    /** Token ids by index, those of the highest attempt. */
    private static List<Integer> asAClientReads(List<Token> tokens) {
        int attempt = tokens.stream().mapToInt(Token::getAttempt).max().orElseThrow();
        TreeMap<Integer, Integer> byIndex = new TreeMap<>();
        tokens.stream()
                .filter(token -> token.getAttempt() == attempt)
                .forEach(token -> byIndex.putIfAbsent(token.getIndex(), token.getTokenId()));
        return List.copyOf(byIndex.values());
    }

    private static LoadGenerator.Run sendAllAtOnce(EmbeddedStack stack, List<PsalmReference.Case> cases, String run)
            throws InterruptedException {
        LoadPlan plan = new LoadPlan(IntStream.range(0, cases.size())
                .mapToObj(i -> new LoadPlan.Planned(0, cases.get(i).request(run + i, PATIENCE)))
                .toList());
        try (LoadGenerator generator = new LoadGenerator(stack.settings(), stack.schemas(), InstantSource.system())) {
            return generator.run(plan, cases.size(), PATIENCE, new LoadGenerator.Listener() {});
        }
    }

    private static StackConfig config(List<LayerRange> ranges) {
        List<WorkerSpec> workers = IntStream.range(0, ranges.size())
                .mapToObj(i -> new WorkerSpec(
                        worker(i),
                        DeviceSpec.CPU,
                        OptionalLong.empty(),
                        "local",
                        Optional.of(ranges.get(i)),
                        OptionalInt.empty()))
                .toList();
        return new StackConfig(
                PsalmReference.FOLDER,
                PsalmReference.MODEL,
                workers,
                0,
                RoutingPolicy.MAX_FLOW,
                ActivationDtype.FP32,
                data,
                StackConfig.Ports.FREE);
    }

    private static WorkerId worker(int stage) {
        return new WorkerId("w" + stage);
    }

    private static <T extends SpecificRecord> TopicTail<T> tail(EmbeddedStack stack, TopicSpec<T> topic) {
        return TopicTail.fromEnd(stack.settings(), stack.schemas(), topic, IsolationLevel.READ_COMMITTED);
    }

    private static <T extends SpecificRecord> List<T> rest(TopicTail<T> tail) {
        List<T> records = new ArrayList<>();
        while (!tail.atEnd()) {
            tail.poll(POLL).stream().map(Tailed::value).forEach(records::add);
        }
        return records;
    }
}
