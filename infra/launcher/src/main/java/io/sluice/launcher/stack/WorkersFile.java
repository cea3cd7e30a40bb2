package io.sluice.launcher.stack;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.launcher.UserException;
import io.sluice.worker.device.DeviceSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The {@code --workers} file: a JSON list of {@code {"id", "device", "memory"?, "region"?, "layers"?, "kv_mib"?,
 * "max_layers"?}}, for
 * example {@code [{"id": "t4-1", "device": "emulated:t4", "memory": "16GiB", "layers": "0-3"}]}. Either all workers
 * name their layers or none does.
 */
public final class WorkersFile {
    private static final Set<String> FIELDS =
            Set.of("id", "device", "memory", "region", "layers", "kv_mib", "max_layers");
    private static final int MAX_WORKERS = 64;

    private WorkersFile() {}

    /** Four unlike emulated devices. */
    public static List<WorkerSpec> defaults() {
        return List.of(
                WorkerSpec.of("a100", "emulated:a100"),
                WorkerSpec.of("v100", "emulated:v100"),
                WorkerSpec.of("l4", "emulated:l4"),
                WorkerSpec.of("t4", "emulated:t4"));
    }

    /**
     * Reads and checks a file.
     *
     * @throws UserException when it cannot be read or says something impossible; names file, worker, field and value
     */
    public static List<WorkerSpec> read(Path file) {
        try {
            return parse(Files.readString(file));
        } catch (IOException e) {
            throw new UserException(
                    "workers file " + file + " cannot be read: give --workers the path of a JSON" + " file", e);
        } catch (IllegalArgumentException e) {
            throw new UserException("workers file " + file + ": " + e.getMessage(), e);
        }
    }

    static List<WorkerSpec> parse(String json) {
        JsonNode root;
        try {
            root = new ObjectMapper().readTree(json);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    "no valid JSON at line " + e.getLocation().getLineNr() + ": " + e.getOriginalMessage(), e);
        }
        if (!root.isArray() || root.isEmpty() || root.size() > MAX_WORKERS) {
            throw new IllegalArgumentException("must be a JSON list of 1 to " + MAX_WORKERS
                    + " workers, for example [{\"id\": \"t4-1\", \"device\": \"emulated:t4\"}]");
        }
        List<WorkerSpec> workers = new ArrayList<>();
        Set<WorkerId> seen = new HashSet<>();
        for (JsonNode node : root) {
            WorkerSpec worker = worker(node, workers.size());
            if (!seen.add(worker.id())) {
                throw new IllegalArgumentException(
                        "worker id '" + worker.id() + "' is given twice; ids must be" + " unique");
            }
            workers.add(worker);
        }
        long placed =
                workers.stream().filter(worker -> worker.layers().isPresent()).count();
        if (placed != 0 && placed != workers.size()) {
            throw new IllegalArgumentException(placed + " of " + workers.size()
                    + " workers name their layers; give \"layers\" to all of them or to none");
        }
        return List.copyOf(workers);
    }

    private static WorkerSpec worker(JsonNode node, int index) {
        if (!node.isObject()) {
            throw new IllegalArgumentException("entry " + index + " must be an object, not " + node);
        }
        node.fieldNames().forEachRemaining(field -> {
            if (!FIELDS.contains(field)) {
                throw new IllegalArgumentException("entry " + index + ": field '" + field + "' is not known; use "
                        + String.join(", ", FIELDS.stream().sorted().toList()));
            }
        });
        String id = required(node, "id", index);
        try {
            return new WorkerSpec(
                    new WorkerId(id),
                    DeviceSpec.parse(required(node, "device", index)),
                    text(node, "memory")
                            .map(DataSize::parseBytes)
                            .map(OptionalLong::of)
                            .orElse(OptionalLong.empty()),
                    text(node, "region").orElse("local"),
                    text(node, "layers").map(LayerRange::parse),
                    whole(node, "kv_mib", "MiB"),
                    whole(node, "max_layers", "layers"));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("worker '" + id + "': " + e.getMessage(), e);
        }
    }

    private static String required(JsonNode node, String field, int index) {
        return text(node, field)
                .orElseThrow(
                        () -> new IllegalArgumentException("entry " + index + ": field '" + field + "' is missing"));
    }

    private static Optional<String> text(JsonNode node, String field) {
        JsonNode value = node.get(field);
        if (value == null || value.isNull()) {
            return Optional.empty();
        }
        if (!value.isTextual() && !value.isNumber()) {
            throw new IllegalArgumentException("field '" + field + "' must be a string, not " + value);
        }
        return Optional.of(value.asText());
    }

    private static OptionalInt whole(JsonNode node, String field, String unit) {
        JsonNode value = node.get(field);
        if (value == null || value.isNull()) {
            return OptionalInt.empty();
        }
        if (!value.canConvertToInt() || !value.isIntegralNumber()) {
            throw new IllegalArgumentException(
                    "field '" + field + "' must be a whole number of " + unit + ", not " + value);
        }
        return OptionalInt.of(value.intValue());
    }
}
