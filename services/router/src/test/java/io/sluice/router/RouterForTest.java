package io.sluice.router;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.messaging.KafkaSettings;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;

/** A router in a process of its own, so that a test can kill it: {@code BOOTSTRAP REGISTRY MODEL STATE_FOLDER}. */
public final class RouterForTest {
    private RouterForTest() {}

    public static void main(String[] args) throws ExecutionException, InterruptedException {
        RouterService router = RouterService.start(RouterConfig.of(
                new KafkaSettings(args[0], args[1]),
                new FakeCatalog(args[2]),
                new SimpleMeterRegistry(),
                Path.of(args[3])));
        router.stopped().get();
    }
}
