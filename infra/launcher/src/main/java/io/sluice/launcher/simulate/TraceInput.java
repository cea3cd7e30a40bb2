package io.sluice.launcher.simulate;

import io.sluice.clusters.RequestLengths;
import io.sluice.clusters.TraceFile;
import io.sluice.core.cluster.RequestShape;
import io.sluice.core.cluster.Workload;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * A trace as users have it: lengths only ({@code input_tokens,output_tokens}), or with times ({@code arrival_ms}, too).
 *
 * @param arrivalSeconds one per request, not falling; empty: the trace has no times
 */
public record TraceInput(List<RequestShape> shapes, double[] arrivalSeconds) {
    public TraceInput {
        shapes = List.copyOf(shapes);
        arrivalSeconds = arrivalSeconds.clone();
    }

    /**
     * Reads either kind, by its header.
     *
     * @throws IllegalArgumentException when the file is missing or wrong; names file, line and value
     */
    public static TraceInput read(Path file) {
        if (!hasTimes(file)) {
            return new TraceInput(RequestLengths.read(file), new double[0]);
        }
        List<TraceFile.Request> requests = TraceFile.read(file);
        return new TraceInput(
                requests.stream().map(TraceFile.Request::shape).toList(),
                requests.stream().mapToDouble(TraceFile.Request::arrivalSeconds).toArray());
    }

    @Override
    public double[] arrivalSeconds() {
        return arrivalSeconds.clone();
    }

    boolean timed() {
        return arrivalSeconds.length > 0;
    }

    /** What its requests look like on average. */
    public Workload workload() {
        return new Workload(
                shapes.stream().mapToInt(RequestShape::promptTokens).average().orElseThrow(),
                shapes.stream().mapToInt(RequestShape::outputTokens).average().orElseThrow());
    }

    private static boolean hasTimes(Path file) {
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            String header = reader.readLine();
            return header != null
                    && Arrays.stream(header.split(","))
                            .anyMatch(column -> column.trim().equals("arrival_ms"));
        } catch (NoSuchFileException e) {
            throw new IllegalArgumentException("trace " + file + " does not exist", e);
        } catch (IOException e) {
            throw new UncheckedIOException("trace " + file + " cannot be read: " + e.getMessage(), e);
        }
    }
}
