package io.sluice.launcher.stack;

import io.sluice.embedded.ChildProcess;
import io.sluice.embedded.StartupException;
import io.sluice.launcher.Main;
import io.sluice.messaging.KafkaSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A service of the stack, a {@code sluice} command, in a process of its own, so that it can be killed. Thread-safe. */
final class ServiceProcess implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration START_TIMEOUT = Duration.ofMinutes(4);

    private final ChildProcess child;

    private ServiceProcess(ChildProcess child) {
        this.child = child;
    }

    /**
     * Starts a service; returns when it says that it is ready.
     *
     * @param command of the launcher, and name of its files; it must take {@code --bootstrap}, {@code --registry} and
     *     {@code --json}
     * @param arguments beside those three
     * @param again whether it is a restart: its log goes on in the same file
     * @throws StartupException when the process ends or is not ready in time
     */
    static ServiceProcess start(
            String command, List<String> arguments, KafkaSettings settings, StackFolder folder, boolean again) {
        Path ready = folder.path().resolve(command + ".json");
        try {
            Files.deleteIfExists(ready);
        } catch (IOException e) {
            throw new StartupException("cannot remove " + ready + ": " + e.getMessage(), e);
        }
        List<String> all = new ArrayList<>(List.of(
                command,
                "--bootstrap",
                settings.bootstrap(),
                "--registry",
                settings.registryUrl(),
                "--json",
                ready.toString()));
        all.addAll(arguments);
        ChildProcess.Spec spec = new ChildProcess.Spec(
                command,
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
                all,
                Map.of(),
                folder.logs().resolve(command + ".log"));
        ServiceProcess service = new ServiceProcess(ChildProcess.start(again ? spec.again() : spec));
        try {
            service.await(ready);
            return service;
        } catch (RuntimeException e) {
            service.close();
            throw e;
        }
    }

    private void await(Path ready) {
        long began = System.nanoTime();
        try {
            while (!Files.exists(ready)) {
                if (!child.isAlive()) {
                    throw new StartupException(child.name() + " did not start: " + child.describeExit());
                }
                if (System.nanoTime() - began > START_TIMEOUT.toNanos()) {
                    throw new StartupException(child.name() + " was not ready within " + START_TIMEOUT.toSeconds()
                            + " s: " + child.describeExit());
                }
                Thread.sleep(POLL);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartupException("interrupted while " + child.name() + " started", e);
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
