package io.sluice.launcher.stack;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/** Starts parts of a stack side by side. Stateless. */
final class Async {
    private Async() {}

    /** Runs {@code start} on a daemon thread. */
    static <T> CompletableFuture<T> run(Supplier<T> start) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("stack-start").start(() -> {
            try {
                result.complete(start.get());
            } catch (RuntimeException | Error e) {
                result.completeExceptionally(e);
            }
        });
        return result;
    }

    /** Waits, and throws what was thrown there. */
    static void join(CompletableFuture<?> all) {
        try {
            all.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }
}
