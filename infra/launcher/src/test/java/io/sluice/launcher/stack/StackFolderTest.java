package io.sluice.launcher.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.launcher.UserException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StackFolderTest {
    @TempDir
    Path temp;

    @Test
    void shouldRefuseASecondStackInTheSameFolder() {
        Path folder = temp.resolve("data");
        try (StackFolder first = StackFolder.lock(folder)) {
            assertThatThrownBy(() -> StackFolder.lock(folder))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining(first.path().toString())
                    .hasMessageContaining("--data");
        }
        StackFolder.lock(folder).close();
    }

    @Test
    void shouldFindOnlyAStackWhoseProcessLives() {
        ProcessHandle self = ProcessHandle.current();
        assertThatThrownBy(() -> RunningStack.find(temp)).hasMessageContaining("./sluice up");

        stack(self.pid(), RunningStack.startOf(self)).write(temp);
        assertThat(RunningStack.find(temp).bootstrap()).isEqualTo("127.0.0.1:9092");

        stack(self.pid(), RunningStack.startOf(self) - 1).write(temp); // the pid of a process long gone
        assertThatThrownBy(() -> RunningStack.find(temp)).hasMessageContaining("no stack runs in");

        RunningStack.remove(temp);
        assertThat(temp.resolve("stack.json")).doesNotExist();
    }

    @Test
    void shouldKeepTheDescriptionToItsOwner() throws Exception {
        stack(1, 1).write(temp);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(temp.resolve("stack.json"))))
                .isEqualTo("rw-------");
    }

    @Test
    void shouldReadBackWhatItWrote() {
        ProcessHandle self = ProcessHandle.current();
        RunningStack written = stack(self.pid(), RunningStack.startOf(self));
        written.write(temp);
        assertThat(RunningStack.find(temp)).isEqualTo(written);
    }

    private static RunningStack stack(long pid, long startedMs) {
        return new RunningStack(
                pid,
                startedMs,
                "127.0.0.1:9092",
                "http://127.0.0.1:8081",
                "http://127.0.0.1:8082",
                "http://127.0.0.1:8083/metrics",
                "http://127.0.0.1:8084/metrics",
                "/data",
                "/data/logs",
                "psalm",
                "/models/psalm",
                List.of(new RunningStack.Worker("t4", "emulated:t4", "local", "0-3", 7, "http://127.0.0.1:1")));
    }
}
