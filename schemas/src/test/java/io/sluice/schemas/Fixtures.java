package io.sluice.schemas;

import io.sluice.core.WorkerId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.avro.specific.SpecificRecord;

/** Where the committed golden files are, and all topics including an activation topic. */
final class Fixtures {
    private static final Path RESOURCES = Path.of("src", "test", "resources");

    private Fixtures() {}

    /**
     * The committed text; rewritten first when {@code -D<property>=true}.
     *
     * @param folder below the test resources
     */
    static String committed(String folder, String file, String property, String now) throws IOException {
        Path path = RESOURCES.resolve(folder).resolve(file);
        if (Boolean.getBoolean(property)) {
            Files.createDirectories(path.getParent());
            Files.writeString(path, now);
        }
        if (!Files.exists(path)) {
            throw new AssertionError(path + " is missing; write it with -D" + property + "=true and commit it");
        }
        return Files.readString(path, StandardCharsets.UTF_8);
    }

    static List<TopicSpec<?>> topics() {
        return Stream.concat(Topics.all().stream(), Stream.of(Topics.activations(new WorkerId("w1"))))
                .toList();
    }

    @SuppressWarnings("unchecked")
    static <T extends SpecificRecord> TopicSpec<T> topicOf(T record) {
        return (TopicSpec<T>) topics().stream()
                .filter(topic -> topic.type() == record.getClass())
                .findFirst()
                .orElseThrow();
    }
}
