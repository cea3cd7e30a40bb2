package io.sluice.embedded;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/**
 * Runs an {@link EmbeddedBroker} as a process of its own: {@code BrokerMain DATA_FOLDER [PORT [SETTING=VALUE…]]}, until
 * it is stopped.
 */
public final class BrokerMain {
    private BrokerMain() {}

    /** Prints {@code bootstrap=HOST:PORT} when ready; exit status 2 on wrong arguments, 1 when it cannot start. */
    public static void main(String[] args) throws InterruptedException {
        int port = 0;
        Map<String, String> overrides = new LinkedHashMap<>();
        try {
            port = args.length >= 2 ? Integer.parseInt(args[1]) : 0;
        } catch (NumberFormatException e) {
            port = -1;
        }
        for (int i = 2; i < args.length && port >= 0; i++) {
            int equals = args[i].indexOf('=');
            if (equals < 1) {
                port = -1;
            } else {
                overrides.put(args[i].substring(0, equals), args[i].substring(equals + 1));
            }
        }
        if (args.length < 1 || port < 0) {
            System.err.println("usage: BrokerMain DATA_FOLDER [PORT [SETTING=VALUE...]]");
            System.exit(2);
        }
        try {
            EmbeddedBroker broker = EmbeddedBroker.start(new EmbeddedBroker.Config(Path.of(args[0]), port, overrides));
            Runtime.getRuntime().addShutdownHook(new Thread(broker::close, "broker-stop"));
            System.out.println("bootstrap=" + broker.bootstrap());
        } catch (StartupException e) {
            System.err.println("error: " + e.getMessage());
            System.exit(1);
        }
        new CountDownLatch(1).await();
    }
}
