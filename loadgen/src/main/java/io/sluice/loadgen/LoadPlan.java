package io.sluice.loadgen;

import io.sluice.records.InferenceRequest;
import io.sluice.records.Slo;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What to send and when: requests with their offset from the start of the run. Built from a trace or from a list of
 * prompts; the same arguments give the same plan. Immutable.
 */
public record LoadPlan(List<Planned> requests) {

    /** One request to be sent {@code offsetMs} milliseconds after the start. */
    public record Planned(double offsetMs, InferenceRequest request) {}

    public LoadPlan {
        requests = List.copyOf(requests);
    }

    /**
     * How generated requests look.
     *
     * @param model served model
     * @param runId prefix of request ids; must be new for every run on the same stack
     * @param maxTokens upper bound of generated tokens
     * @param temperature 0: greedy
     * @param seed of the plan and, counted up, of each request
     */
    public record Shape(String model, String runId, int maxTokens, float temperature, long seed) {
        public Shape {
            if (maxTokens < 1) {
                throw new IllegalArgumentException("max tokens " + maxTokens + " must be at least 1");
            }
            if (!(temperature >= 0) || Float.isInfinite(temperature)) {
                throw new IllegalArgumentException("temperature " + temperature + " must be a finite number >= 0");
            }
        }
    }

    /** The same requests with these latency objectives, ms; null: none. */
    public LoadPlan withSlo(Long ttftMs, Long tpotMs) {
        if (ttftMs == null && tpotMs == null) {
            return this;
        }
        return new LoadPlan(requests.stream()
                .map(planned -> new Planned(
                        planned.offsetMs(),
                        InferenceRequest.newBuilder(planned.request())
                                .setSlo(new Slo(ttftMs, tpotMs))
                                .build()))
                .toList());
    }

    /** All prompts, {@code gapMs} milliseconds apart. */
    public static LoadPlan ofPrompts(List<String> prompts, Shape shape, double gapMs) {
        List<Planned> planned = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            planned.add(new Planned(i * gapMs, request(shape, i, prompts.get(i), shape.maxTokens())));
        }
        return new LoadPlan(planned);
    }

    /**
     * The first {@code count} requests of a trace, arrivals divided by {@code speed}. Prompts are drawn from the bundled
     * list and repeated to about a {@code lengthScale} share of the traced length; output lengths are scaled alike and
     * bounded by the shape's {@code maxTokens}.
     */
    public static LoadPlan ofTrace(Trace trace, int count, double speed, double lengthScale, Shape shape) {
        if (count < 1 || !(speed > 0) || !(lengthScale > 0)) {
            throw new IllegalArgumentException("requests " + count + ", speed " + speed + " and length scale "
                    + lengthScale + " must all be positive");
        }
        List<String> prompts = bundledPrompts();
        SplittableRandom random = new SplittableRandom(shape.seed());
        List<Planned> planned = new ArrayList<>();
        int traced = trace.requests().size();
        double lap = trace.requests().getLast().arrivalMs() + 1000;
        for (int i = 0; i < count; i++) {
            Trace.Row row = trace.requests().get(i % traced);
            double offset = ((double) (i / traced) * lap + row.arrivalMs()) / speed;
            int outputs = Math.clamp(Math.round(row.outputTokens() * lengthScale), 1, shape.maxTokens());
            String prompt = prompt(prompts, random, Math.round(row.inputTokens() * lengthScale));
            planned.add(new Planned(offset, request(shape, i, prompt, outputs)));
        }
        return new LoadPlan(planned);
    }

    /**
     * Requests of {@code templates} in turn, {@code perSecond} of them a second for so long, each a random share of its
     * interval late; only ids are new: {@code RUN-0}, {@code RUN-1} and so on, request i is template i modulo their number.
     */
    public static LoadPlan ofTemplates(
            List<InferenceRequest> templates, String runId, double perSecond, double seconds, long seed) {
        if (templates.isEmpty() || !(perSecond > 0) || !(seconds > 0)) {
            throw new IllegalArgumentException(templates.size() + " templates, " + perSecond + " requests a second and "
                    + seconds + " seconds must all be positive");
        }
        SplittableRandom random = new SplittableRandom(seed);
        List<Planned> planned = new ArrayList<>();
        double gapMs = 1000 / perSecond;
        int count = (int) Math.max(1, Math.floor(perSecond * seconds));
        for (int i = 0; i < count; i++) {
            InferenceRequest request = InferenceRequest.newBuilder(templates.get(i % templates.size()))
                    .setRequestId(runId + "-" + i)
                    .build();
            planned.add(new Planned((i + random.nextDouble()) * gapMs, request));
        }
        return new LoadPlan(planned);
    }

    /** The prompts that come with Sluice. */
    public static List<String> bundledPrompts() {
        try (BufferedReader reader = new BufferedReader(
                new InputStreamReader(LoadPlan.class.getResourceAsStream("prompts.txt"), StandardCharsets.UTF_8))) {
            return reader.lines().filter(line -> !line.isBlank()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads one prompt a line; blank lines are skipped. */
    public static List<String> readPrompts(Path file) {
        try {
            List<String> prompts = Files.readAllLines(file).stream()
                    .filter(line -> !line.isBlank())
                    .toList();
            if (prompts.isEmpty()) {
                throw new IllegalArgumentException("prompts file " + file + " has no line with text");
            }
            return prompts;
        } catch (IOException e) {
            throw new IllegalArgumentException("prompts file " + file + " cannot be read: " + e, e);
        }
    }

    /** About four bytes a token; the exact length is up to the model's tokenizer. */
    private static String prompt(List<String> prompts, SplittableRandom random, long tokens) {
        StringBuilder text = new StringBuilder(prompts.get(random.nextInt(prompts.size())));
        while (text.length() < tokens * 4) {
            text.append(". ").append(prompts.get(random.nextInt(prompts.size())));
        }
        return text.toString();
    }

    private static InferenceRequest request(Shape shape, int index, String prompt, int maxTokens) {
        return InferenceRequest.newBuilder()
                .setRequestId(shape.runId() + "-" + index)
                .setModel(shape.model())
                .setPrompt(prompt)
                .setMaxTokens(maxTokens)
                .setTemperature(shape.temperature())
                .setSeed(shape.seed() + index)
                .build();
    }
}
