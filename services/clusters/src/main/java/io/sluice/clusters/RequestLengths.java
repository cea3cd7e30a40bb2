package io.sluice.clusters;

import io.sluice.core.cluster.RequestShape;
import java.nio.file.Path;
import java.util.List;

/**
 * Lengths of requests from a CSV file with the columns {@code input_tokens} and {@code output_tokens}; others are
 * ignored.
 */
public final class RequestLengths {
    private RequestLengths() {}

    /**
     * All requests in file order.
     *
     * @throws IllegalArgumentException when the file cannot be read, a length is below 1 or there is no request; names
     *     file, line and value
     */
    public static List<RequestShape> read(Path file) {
        List<RequestShape> shapes = CsvTable.read(file, "input_tokens", "output_tokens").rows().stream()
                .map(RequestLengths::shape)
                .toList();
        if (shapes.isEmpty()) {
            throw new IllegalArgumentException(file + " holds no request; one line per request is needed");
        }
        return shapes;
    }

    static RequestShape shape(CsvTable.Row row) {
        return new RequestShape(row.count("input_tokens", 1), row.count("output_tokens", 1));
    }
}
