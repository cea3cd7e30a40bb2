package io.sluice.runtime.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelFormatException;
import io.sluice.runtime.ModelWeights;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A Hugging Face folder: {@code config.json} with {@code model.safetensors}, or with an index and the files it names,
 * or with any {@code *.safetensors}. Files named by an index are opened when a tensor of theirs is first asked for, so
 * a worker may hold only the files of its own layers.
 */
public final class SafetensorsModel implements ModelWeights {
    private static final String SINGLE_FILE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";

    private final ModelConfig config;
    private final Path folder;
    /** Tensor name to file. */
    private final Map<String, Path> homes = new LinkedHashMap<>();

    private final Map<Path, SafetensorsFile> open = new LinkedHashMap<>();
    private boolean closed;

    private SafetensorsModel(Path folder) {
        this.folder = folder;
        config = HuggingFaceConfig.read(folder);
        try {
            if (Files.exists(folder.resolve(INDEX))) {
                readIndex(folder.resolve(INDEX));
            } else {
                for (Path file : safetensorsFiles()) {
                    fileOf(file).shapes().keySet().forEach(name -> homes.put(name, file));
                }
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Opens a folder; reads configuration and headers only.
     *
     * @throws ModelFormatException when a file is missing, damaged or of an unsupported kind
     */
    public static SafetensorsModel open(Path folder) {
        return new SafetensorsModel(folder);
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(new LinkedHashSet<>(homes.keySet()));
    }

    @Override
    public long[] shape(String name) {
        return home(name).shape(name);
    }

    @Override
    public void readRows(String name, long firstRow, long rowCount, FloatBuffer target) {
        home(name).readRows(name, firstRow, rowCount, target);
    }

    @Override
    public synchronized void close() {
        closed = true;
        open.values().forEach(SafetensorsFile::close);
        open.clear();
    }

    private SafetensorsFile home(String name) {
        Path path = homes.get(name);
        if (path == null) {
            throw new ModelFormatException(
                    "model " + folder + " has no tensor " + name + ": its weights do not match its config.json");
        }
        SafetensorsFile file = fileOf(path);
        if (!file.holds(name)) {
            throw new ModelFormatException(
                    path + " has no tensor " + name + " although " + INDEX + " says so; fetch the folder again");
        }
        return file;
    }

    private synchronized SafetensorsFile fileOf(Path path) {
        if (closed) {
            throw new IllegalStateException("the weights of " + folder + " are closed: keep them open while a runner"
                    + " that holds layer 0 lives");
        }
        return open.computeIfAbsent(path, SafetensorsFile::new);
    }

    private List<Path> safetensorsFiles() {
        if (Files.exists(folder.resolve(SINGLE_FILE))) {
            return List.of(folder.resolve(SINGLE_FILE));
        }
        try (var files = Files.list(folder)) {
            List<Path> found = files.filter(file -> file.toString().endsWith(".safetensors"))
                    .sorted()
                    .toList();
            if (found.isEmpty()) {
                throw new ModelFormatException("folder " + folder + " has no *.safetensors file: give a Hugging Face"
                        + " folder with safetensors weights, or a .gguf file");
            }
            return found;
        } catch (IOException e) {
            throw new ModelFormatException("cannot list " + folder + ": " + e.getMessage(), e);
        }
    }

    private void readIndex(Path index) {
        JsonNode map;
        try {
            map = new ObjectMapper().readTree(index.toFile()).path("weight_map");
        } catch (IOException e) {
            throw new ModelFormatException(index + " is not JSON; fetch the file again", e);
        }
        if (!map.isObject() || map.isEmpty()) {
            throw new ModelFormatException(index + " has no weight_map; fetch the file again");
        }
        for (Map.Entry<String, JsonNode> entry : map.properties()) {
            Path file = folder.resolve(entry.getValue().asText()).normalize();
            if (!file.startsWith(folder.normalize())) {
                throw new ModelFormatException(index + " names a file outside its folder: " + entry.getValue());
            }
            homes.put(entry.getKey(), file);
        }
    }
}
