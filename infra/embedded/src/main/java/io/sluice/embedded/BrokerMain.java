package io.sluice.embedded;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/**
 * Runs an {@link EmbeddedBroker} as a process of its own: {@code BrokerMain DATA_FOLDER [PORT]}, until it is
 * stopped.
 */
public final class BrokerMain {
    private BrokerMain() {}

    /** Prints {@code bootstrap=HOST:PORT} when ready; exit status 2 on wrong arguments, 1 when it cannot start. */
    public static void main(String[] args) throws InterruptedException {
        int port = 0;
        try {
            port = args.length == 2 ? Integer.parseInt(args[1]) : 0;
        } catch (NumberFormatException e) {
            port = -1;
        }
        if (args.length < 1 || args.length > 2 || port < 0) {
            System.err.println("usage: BrokerMain DATA_FOLDER [PORT]");
            System.exit(2);
        }
        try {
            EmbeddedBroker broker = EmbeddedBroker.start(new EmbeddedBroker.Config(Path.of(args[0]), port, Map.of()));
            Runtime.getRuntime().addShutdownHook(new Thread(broker::close, "broker-stop"));
            System.out.println("bootstrap=" + broker.bootstrap());
        } catch (StartupException e) {
            System.err.println("error: " + e.getMessage());
            System.exit(1);
        }
        new CountDownLatch(1).await();
    }
}
