package io.sluice.clusters;

import java.nio.file.Files;
import java.nio.file.Path;

/** The folder {@code examples} of this repository. */
final class Examples {
    private Examples() {}

    static Path helix() {
        return folder().resolve("helix");
    }

    static Path folder() {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.isDirectory(at.resolve("examples").resolve("helix"))) {
                return at.resolve("examples");
            }
        }
        throw new IllegalStateException(
                "no folder examples/helix above " + Path.of("").toAbsolutePath());
    }
}
