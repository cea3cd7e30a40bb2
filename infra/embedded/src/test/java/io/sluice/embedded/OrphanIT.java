package io.sluice.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class OrphanIT {
    @TempDir
    Path data;

    @Test
    void shouldLeaveNoChildBehindWhenTheLauncherIsKilled() throws Exception {
        Process parent = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        ParentForTest.class.getName(),
                        data.toString())
                .redirectErrorStream(true)
                .start();
        List<ProcessHandle> children;
        try (BufferedReader output = parent.inputReader()) {
            children = childrenNamedIn(output);
            assertThat(children).hasSize(2).allMatch(ProcessHandle::isAlive);
        } finally {
            parent.destroyForcibly().waitFor(); // SIGKILL: no shutdown hook runs
        }
        await().atMost(Duration.ofSeconds(10)).until(() -> children.stream().noneMatch(ProcessHandle::isAlive));
    }

    @Test
    void shouldStopAChildInOrderBeforeKillingIt() throws Exception {
        ChildProcess broker = ChildProcess.start(new ChildProcess.Spec(
                "broker",
                List.of("-Xmx256m"),
                System.getProperty("java.class.path"),
                BrokerMain.class.getName(),
                List.of(data.resolve("broker").toString()),
                java.util.Map.of(),
                data.resolve("broker.log")));
        await().atMost(Duration.ofSeconds(60))
                .until(() -> Files.readString(broker.log()).contains("bootstrap="));
        broker.close();
        assertThat(broker.isAlive()).isFalse();
        assertThat(data.resolve("broker").resolve(".kafka_cleanshutdown")).exists();
    }

    private static List<ProcessHandle> childrenNamedIn(BufferedReader output) throws Exception {
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            if (line.startsWith("children ")) {
                return Stream.of(line.substring("children ".length()).split(" "))
                        .map(pid -> ProcessHandle.of(Long.parseLong(pid)).orElseThrow())
                        .toList();
            }
        }
        throw new AssertionError("the launcher ended before its children were up");
    }
}
