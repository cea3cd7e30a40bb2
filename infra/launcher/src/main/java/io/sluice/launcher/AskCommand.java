package io.sluice.launcher;

import io.sluice.launcher.stack.RunningStack;
import io.sluice.messaging.KafkaSettings;
import io.sluice.records.ChatMessage;
import io.sluice.records.Completion;
import io.sluice.records.ErrorRecord;
import io.sluice.records.InferenceRequest;
import io.sluice.schemas.RecordJson;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Sends one request to a running stack and prints its tokens as they come. */
@Command(
        name = "ask",
        description = "Sends one prompt to a running stack and streams the answer.",
        mixinStandardHelpOptions = true)
final class AskCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "PROMPT", description = "Text to continue, or a question with --chat.")
    private String prompt;

    @Option(names = "--chat", description = "Send the prompt as a user's turn through the model's chat template.")
    private boolean chat;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            defaultValue = "64",
            description = "Most tokens to generate; default: ${DEFAULT-VALUE}.")
    private int maxTokens;

    @Option(
            names = "--temperature",
            paramLabel = "T",
            defaultValue = "0",
            description = "Softmax temperature; 0 (default): always the most probable token.")
    private float temperature;

    @Option(names = "--top-k", paramLabel = "K", defaultValue = "0", description = "Sample among K tokens; 0: all.")
    private int topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            defaultValue = "1",
            description = "Sample from the smallest set of tokens with this probability; 1: all.")
    private float topP;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of the sampling; default: a random one.")
    private Long seed;

    @Option(names = "--model", paramLabel = "NAME", description = "Served model; default: the stack's.")
    private String model;

    @Option(names = "--show-path", description = "Print the pipeline taken and the time at each hop.")
    private boolean showPath;

    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            defaultValue = "5m",
            converter = DurationConverter.class,
            description = "Give up after this long; default: ${DEFAULT-VALUE}.")
    private Duration timeout;

    @Mixin
    private StackTarget target;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the completion to FILE as JSON, too.")
    private Path json;

    @Override
    public Integer call() {
        Optional<RunningStack> stack = target.stack();
        if (model == null && stack.isEmpty()) {
            throw new UserException("give --model NAME, the served model, together with --bootstrap");
        }
        KafkaSettings settings = stack.map(RunningStack::settings).orElseGet(target::settings);
        String served = model == null ? stack.orElseThrow().model() : model;
        PrintWriter out = spec.commandLine().getOut();
        InferenceRequest request = request(served);
        Conversation.Outcome outcome;
        try (Conversation conversation = new Conversation(settings)) {
            outcome = conversation.run(request, timeout, piece -> {
                out.print(piece);
                out.flush();
            });
        }
        return switch (outcome) {
            case Conversation.Answered answered -> answered(answered.completion(), out);
            case Conversation.Refused refused -> refused(refused.error());
        };
    }

    private InferenceRequest request(String served) {
        InferenceRequest.Builder builder = InferenceRequest.newBuilder()
                .setRequestId("ask-" + UUID.randomUUID())
                .setModel(served)
                .setMaxTokens(maxTokens)
                .setTemperature(temperature)
                .setTopK(topK)
                .setTopP(topP)
                .setSeed(seed == null ? ThreadLocalRandom.current().nextLong(Integer.MAX_VALUE) : seed)
                .setArrivalMs(System.currentTimeMillis());
        if (chat) {
            builder.setMessages(List.of(
                    ChatMessage.newBuilder().setRole("user").setContent(prompt).build()));
        } else {
            builder.setPrompt(prompt);
        }
        return builder.build();
    }

    private int answered(Completion completion, PrintWriter out) {
        out.println();
        if (showPath) {
            PathTable.print(completion, out);
        }
        out.flush();
        JsonFile.write(json, RecordJson.toTree(completion));
        return 0;
    }

    private int refused(ErrorRecord error) {
        PrintWriter err = spec.commandLine().getErr();
        err.println("error: " + error.getService() + " refused the request: " + error.getReason() + ": "
                + error.getMessage());
        err.flush();
        JsonFile.write(json, RecordJson.toTree(error));
        return 1;
    }
}
