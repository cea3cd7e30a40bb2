package io.sluice.launcher.batch;

import io.sluice.core.sharing.FairTurns;
import io.sluice.core.sharing.TenantId;
import io.sluice.launcher.JsonFile;
import io.sluice.launcher.StackTarget;
import io.sluice.launcher.UserException;
import io.sluice.launcher.stack.RunningStack;
import io.sluice.messaging.KafkaSettings;
import io.sluice.records.BestEffortJob;
import io.sluice.records.JobCommand;
import io.sluice.records.JobKind;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Submits a file of prompts as a job. */
@Command(
        name = "submit",
        description =
                "Submits a JSONL file as a job and prints its id. A line is one request as in an OpenAI batch input"
                        + " file: custom_id, url (/v1/completions or /v1/chat/completions) and body.",
        mixinStandardHelpOptions = true)
final class BatchSubmitCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The lines; empty ones are passed over.")
    private Path file;

    @Option(names = "--model", paramLabel = "NAME", description = "Of lines that name none; default: the stack's.")
    private String model;

    @Option(
            names = "--tenant",
            paramLabel = "NAME",
            defaultValue = "default",
            description =
                    "Who shares with others; jobs of one tenant run one after another; default: ${DEFAULT-VALUE}.")
    private String tenant;

    @Option(
            names = "--weight",
            paramLabel = "W",
            defaultValue = "1",
            description = "Share of the tenant among tenants; default: ${DEFAULT-VALUE}.")
    private double weight;

    @Option(names = "--job", paramLabel = "ID", description = "Its id, not used before; default: a new one.")
    private String job;

    @Mixin
    private StackTarget target;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the job's id and size to FILE as JSON, too.")
    private Path json;

    @Override
    public Integer call() {
        new TenantId(tenant);
        FairTurns.weight("--weight", weight);
        String id = job == null ? "job-" + UUID.randomUUID().toString().substring(0, 13) : job;
        if (!id.matches("[A-Za-z0-9._-]{1,100}")) {
            throw new UserException("--job '" + id + "' must be 1 to 100 characters of [A-Za-z0-9._-]");
        }
        List<String> lines = lines();
        Optional<RunningStack> stack = target.stack();
        KafkaSettings settings = stack.map(RunningStack::settings).orElseGet(target::settings);
        String served = model != null ? model : stack.map(RunningStack::model).orElse("");
        BestEffortJob head = BestEffortJob.newBuilder()
                .setJobId(id)
                .setTenant(tenant)
                .setWeight(weight)
                .setKind(JobKind.PROMPT_BATCH)
                .setCommand(JobCommand.SUBMIT)
                .setModel(served)
                .setInput(List.of())
                .setAtMs(System.currentTimeMillis())
                .build();
        List<BestEffortJob> parts = JobParts.of(head, lines);
        try (JobTopics topics = new JobTopics(settings)) {
            if (job != null && topics.find(id).isPresent()) {
                throw new UserException("--job " + id + " is the id of another job; choose a new one");
            }
            topics.send(parts);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println(id);
        out.flush();
        JsonFile.write(json, Map.of("job", id, "items", lines.size(), "parts", parts.size()));
        return 0;
    }

    private List<String> lines() {
        try {
            List<String> lines = Files.readAllLines(file).stream()
                    .filter(line -> !line.isBlank())
                    .toList();
            if (lines.isEmpty()) {
                throw new UserException(file + " has no lines; a job has at least one item");
            }
            return lines;
        } catch (NoSuchFileException e) {
            throw new UserException(file + " does not exist", e);
        } catch (MalformedInputException e) {
            throw new UserException(file + " is not UTF-8 text", e);
        } catch (IOException e) {
            throw new UserException(file + " cannot be read: " + e.getMessage(), e);
        }
    }
}
