package io.sluice.worker;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** Tests that share a broker and a registry, one of each per class; what a test opens is closed after it. */
abstract class OnWorkerStack {
    @TempDir
    static Path folder;

    static WorkerStack stack;

    @BeforeAll
    static void startStack() {
        stack = WorkerStack.start(folder);
    }

    @AfterAll
    static void stopStack() throws Exception {
        stack.close();
    }

    @AfterEach
    void closeOpened() throws Exception {
        stack.closeOpened();
    }
}
