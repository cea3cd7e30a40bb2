package io.sluice.launcher.stack;

import io.sluice.embedded.ChildProcess;
import io.sluice.embedded.StartupException;
import io.sluice.launcher.Main;
import io.sluice.messaging.KafkaSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** The {@code sluice router} command in a process of its own, so that it can be killed. Thread-safe. */
final class RouterProcess implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration START_TIMEOUT = Duration.ofMinutes(4);

    private final ChildProcess child;

    private RouterProcess(ChildProcess child) {
        this.child = child;
    }

    /**
     * Starts a router; returns when it takes requests.
     *
     * @param again whether it is a restart: its log goes on in the same file
     * @throws StartupException when the process ends or is not ready in time
     */
    static RouterProcess start(StackConfig config, KafkaSettings settings, StackFolder folder, boolean again) {
        Path ready = folder.path().resolve("router.json");
        try {
            Files.deleteIfExists(ready);
        } catch (IOException e) {
            throw new StartupException("cannot remove " + ready + ": " + e.getMessage(), e);
        }
        ChildProcess.Spec spec = new ChildProcess.Spec(
                "router",
                List.of(
                        "-Xms32m",
                        "-Xmx384m",
                        "-Xss512k",
                        "-XX:+UseSerialGC",
                        "-XX:-UsePerfData",
                        "--enable-native-access=ALL-UNNAMED",
                        "-Dorg.apache.avro.SERIALIZABLE_PACKAGES=io.sluice.records,java.lang",
                        "-Dlogback.configurationFile=logback-child.xml"),
                System.getProperty("java.class.path"),
                Main.class.getName(),
                List.of(
                        "router",
                        "--bootstrap",
                        settings.bootstrap(),
                        "--registry",
                        settings.registryUrl(),
                        "--models",
                        config.modelName() + "=" + config.model(),
                        "--policy",
                        config.policy().toString(),
                        "--best-effort-kv-share",
                        Double.toString(config.sharing().kvShare()),
                        "--data",
                        folder.router().toString(),
                        "--json",
                        ready.toString()),
                Map.of(),
                folder.logs().resolve("router.log"));
        RouterProcess router = new RouterProcess(ChildProcess.start(again ? spec.again() : spec));
        try {
            router.await(ready);
            return router;
        } catch (RuntimeException e) {
            router.close();
            throw e;
        }
    }

    private void await(Path ready) {
        long began = System.nanoTime();
        try {
            while (!Files.exists(ready)) {
                if (!child.isAlive()) {
                    throw new StartupException("the router did not start: " + child.describeExit());
                }
                if (System.nanoTime() - began > START_TIMEOUT.toNanos()) {
                    throw new StartupException("the router was not ready within " + START_TIMEOUT.toSeconds() + " s: "
                            + child.describeExit());
                }
                Thread.sleep(POLL);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartupException("interrupted while the router started", e);
        }
    }

    /** The process, to look at or to hurt. */
    ChildProcess process() {
        return child;
    }

    @Override
    public void close() {
        child.close();
    }
}
