package io.sluice.launcher.bench;

import io.sluice.runtime.InProcessGenerator;
import io.sluice.runtime.InProcessGenerator.Request;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.SamplingParams;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.stream.IntStream;

/**
 * A process that generates batch after batch while it is told to: {@code go} and {@code stop} on standard input, a line
 * with the number of tokens after each batch on standard output. It ends with its standard input.
 */
public final class NicedBatchMain {
    private static final long KV_BYTES = 256L << 20;
    private static final int PREFILL_CHUNK = 128;

    private NicedBatchMain() {}

    /** {@code NicedBatchMain MODEL THREADS SESSIONS PROMPT TOKENS}. */
    public static void main(String[] args) throws InterruptedException {
        int sessions = Integer.parseInt(args[2]);
        int prompt = Integer.parseInt(args[3]);
        int tokens = Integer.parseInt(args[4]);
        Semaphore mayRun = new Semaphore(0);
        Thread.ofPlatform().daemon().name("commands").start(() -> listen(mayRun));
        try (ModelWeights weights = ModelFiles.weights(Path.of(args[0]));
                InProcessGenerator generator =
                        InProcessGenerator.open(weights, new RuntimeOptions(Integer.parseInt(args[1]), KV_BYTES))) {
            List<Request> batch = IntStream.range(0, sessions)
                    .mapToObj(i -> new Request(BatchShape.prompt(prompt, i), tokens, SamplingParams.GREEDY, false))
                    .toList();
            while (true) {
                mayRun.acquire();
                mayRun.release();
                int[][] ids = generator.generateAll(batch, PREFILL_CHUNK).toArray(int[][]::new);
                System.out.println(
                        IntStream.range(0, ids.length).map(i -> ids[i].length).sum());
                System.out.flush();
            }
        }
    }

    private static void listen(Semaphore mayRun) {
        try (BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = commands.readLine(); line != null; line = commands.readLine()) {
                if (line.equals("go")) {
                    mayRun.release();
                } else {
                    mayRun.acquire();
                }
            }
        } catch (IOException e) {
            // As good as the end of the input: nobody is there any more.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(0);
    }
}
