package io.sluice.clusters;

import io.sluice.core.cluster.RequestShape;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * A recorded load in the form {@code sluice loadgen} replays: CSV with at least the columns {@code arrival_ms},
 * {@code input_tokens} and {@code output_tokens}; others are ignored, lines may be in any order.
 */
public final class TraceFile {
    private TraceFile() {}

    /**
     * One request.
     *
     * @param arrivalSeconds since the start of the trace
     */
    public record Request(double arrivalSeconds, RequestShape shape) {
        public Request {
            Objects.requireNonNull(shape, "shape");
            if (!(arrivalSeconds >= 0) || Double.isInfinite(arrivalSeconds)) {
                throw new IllegalArgumentException(
                        "arrival at " + arrivalSeconds + " s must be finite and not negative");
            }
        }
    }

    /**
     * All requests by arrival; those of the same instant in file order.
     *
     * @throws IllegalArgumentException when the file cannot be read, a value is out of bounds or there is no request;
     *     names file, line and value
     */
    public static List<Request> read(Path file) {
        List<Request> requests = CsvTable.read(file, "arrival_ms", "input_tokens", "output_tokens").rows().stream()
                .map(row -> new Request(row.notNegative("arrival_ms") / 1e3, RequestLengths.shape(row)))
                .sorted(Comparator.comparingDouble(Request::arrivalSeconds))
                .toList();
        if (requests.isEmpty()) {
            throw new IllegalArgumentException(file + " holds no request; one line per request is needed");
        }
        return requests;
    }
}
