package io.sluice.messaging;

import java.util.Map;
import java.util.Objects;

/**
 * Where the broker and the registry are. Immutable.
 *
 * @param bootstrap {@code host:port[,host:port…]} of the broker
 * @param registryUrl root of the registry's Confluent API
 * @param overrides Kafka client settings that win over the built-in ones, for example security settings
 */
public record KafkaSettings(String bootstrap, String registryUrl, Map<String, String> overrides) {
    private static final int MAX_PORT = 65_535;

    public KafkaSettings {
        Objects.requireNonNull(bootstrap, "bootstrap");
        Objects.requireNonNull(registryUrl, "registryUrl");
        overrides = Map.copyOf(overrides);
        for (String server : bootstrap.split(",", -1)) {
            checkServer(server.trim(), bootstrap);
        }
        if (!registryUrl.startsWith("http://") && !registryUrl.startsWith("https://")) {
            throw new IllegalArgumentException("--registry '" + registryUrl
                    + "' must be an http(s) URL, for example http://127.0.0.1:8081/apis/ccompat/v7");
        }
    }

    public KafkaSettings(String bootstrap, String registryUrl) {
        this(bootstrap, registryUrl, Map.of());
    }

    private static void checkServer(String server, String bootstrap) {
        int colon = server.lastIndexOf(':');
        int port = -1;
        try {
            port = Integer.parseInt(server.substring(colon + 1));
        } catch (NumberFormatException e) {
            // Reported below.
        }
        if (colon < 1 || port < 1 || port > MAX_PORT) {
            throw new IllegalArgumentException(
                    "--bootstrap '" + bootstrap + "' must be HOST:PORT[,HOST:PORT...], for example 127.0.0.1:9092");
        }
    }
}
