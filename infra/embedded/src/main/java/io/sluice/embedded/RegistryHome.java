package io.sluice.embedded;

import java.nio.file.Files;
import java.nio.file.Path;

/** Finds the registry's distribution, which the build unpacks into {@code infra/embedded/target/registry}. */
public final class RegistryHome {
    /** System property that names the folder explicitly. */
    public static final String PROPERTY = "sluice.registry.home";

    private static final Path IN_REPOSITORY = Path.of("infra", "embedded", "target", "registry");

    private RegistryHome() {}

    /**
     * The folder named by {@link #PROPERTY}, else the one in the repository that holds these classes or the working
     * folder.
     *
     * @throws StartupException when there is none
     */
    public static Path find() {
        String named = System.getProperty(PROPERTY);
        if (named != null) {
            return checked(Path.of(named));
        }
        for (Path start : new Path[] {ChildProcess.ownClasses(), Path.of("").toAbsolutePath()}) {
            for (Path folder = start; folder != null; folder = folder.getParent()) {
                if (Files.exists(folder.resolve(IN_REPOSITORY).resolve("quarkus-run.jar"))) {
                    return folder.resolve(IN_REPOSITORY);
                }
            }
        }
        throw new StartupException("the schema registry's files (" + IN_REPOSITORY
                + ") were not found above the working folder: build the project, or name the folder with"
                + " -D" + PROPERTY);
    }

    private static Path checked(Path home) {
        if (!Files.exists(home.resolve("quarkus-run.jar"))) {
            throw new StartupException(
                    "-D" + PROPERTY + "=" + home + " holds no quarkus-run.jar: build the project" + " again");
        }
        return home;
    }
}
