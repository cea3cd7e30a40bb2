package io.sluice.embedded;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** A launcher to be killed: starts a broker and a registry as children, prints their process ids, waits for ever. */
public final class ParentForTest {
    private ParentForTest() {}

    public static void main(String[] args) throws InterruptedException {
        Path data = Path.of(args[0]);
        ChildProcess broker = ChildProcess.start(new ChildProcess.Spec(
                "broker",
                List.of("-Xmx256m"),
                System.getProperty("java.class.path"),
                BrokerMain.class.getName(),
                List.of(data.resolve("broker").toString()),
                Map.of(),
                data.resolve("broker.log")));
        RegistryProcess registry = RegistryProcess.start(RegistryProcess.Config.in(data.resolve("registry")));
        System.out.println("children " + broker.pid() + " " + registry.process().pid());
        new CountDownLatch(1).await();
    }
}
