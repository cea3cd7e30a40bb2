package io.sluice.loadgen;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A recorded load: when requests arrived and how long they were. Read from CSV with a header line that names at least
 * {@code arrival_ms}, {@code input_tokens} and {@code output_tokens}; other columns are ignored. Immutable.
 *
 * @param name for people
 * @param requests ordered by arrival
 */
public record Trace(String name, List<Row> requests) {
    private static final String BUNDLED = "azure-llm-2023-conv.csv";

    /** One request: arrival since the start of the trace in milliseconds, lengths in tokens. */
    public record Row(double arrivalMs, int inputTokens, int outputTokens) {}

    public Trace {
        requests = List.copyOf(requests);
    }

    /** The bundled sample: the first conversations of the Azure LLM inference trace 2023 (CC-BY-4.0, Microsoft). */
    public static Trace bundled() {
        try (InputStream in = Trace.class.getResourceAsStream(BUNDLED)) {
            return read(BUNDLED, new InputStreamReader(in, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Reads a CSV file.
     *
     * @throws IllegalArgumentException when the file is missing or a line is wrong; the message names file and line
     */
    public static Trace read(Path file) {
        try (Reader reader = Files.newBufferedReader(file)) {
            return read(file.getFileName().toString(), reader);
        } catch (NoSuchFileException e) {
            throw new IllegalArgumentException("trace " + file + " does not exist", e);
        } catch (IOException e) {
            throw new IllegalArgumentException("trace " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    static Trace read(String name, Reader source) throws IOException {
        BufferedReader reader = new BufferedReader(source);
        String header = reader.readLine();
        if (header == null) {
            throw new IllegalArgumentException(
                    "trace " + name + " is empty: expected a header line " + "arrival_ms,input_tokens,output_tokens");
        }
        Map<String, Integer> columns = columns(name, header);
        List<Row> rows = new ArrayList<>();
        int lineNumber = 1;
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
            lineNumber++;
            if (!line.isBlank()) {
                rows.add(row(name, lineNumber, line, columns));
            }
        }
        rows.sort((a, b) -> Double.compare(a.arrivalMs(), b.arrivalMs()));
        return new Trace(name, rows);
    }

    private static Map<String, Integer> columns(String name, String header) {
        Map<String, Integer> columns = new TreeMap<>();
        String[] names = header.split(",", -1);
        for (int i = 0; i < names.length; i++) {
            columns.put(names[i].strip(), i);
        }
        for (String required : List.of("arrival_ms", "input_tokens", "output_tokens")) {
            if (!columns.containsKey(required)) {
                throw new IllegalArgumentException(
                        "trace " + name + ", line 1: no column '" + required + "' in header '" + header + "'");
            }
        }
        return columns;
    }

    private static Row row(String name, int lineNumber, String line, Map<String, Integer> columns) {
        String[] cells = line.split(",", -1);
        try {
            double arrival = Double.parseDouble(cells[columns.get("arrival_ms")].strip());
            int input = Integer.parseInt(cells[columns.get("input_tokens")].strip());
            int output = Integer.parseInt(cells[columns.get("output_tokens")].strip());
            if (!(arrival >= 0) || Double.isInfinite(arrival) || input < 1 || output < 1) {
                throw new IllegalArgumentException(
                        "trace " + name + ", line " + lineNumber + ": arrival must be >= 0 and lengths >= 1: " + line);
            }
            return new Row(arrival, input, output);
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            throw new IllegalArgumentException(
                    "trace " + name + ", line " + lineNumber + ": cannot read '" + line + "'", e);
        }
    }
}
