package io.sluice.launcher;

import io.sluice.messaging.KafkaSettings;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import picocli.CommandLine.Option;

/** Flags of every service that is started on its own: where broker and registry are. */
public final class Endpoints {
    @Option(
            names = "--bootstrap",
            paramLabel = "HOST:PORT",
            required = true,
            description = "Kafka broker, or several with commas.")
    private String bootstrap;

    @Option(
            names = "--registry",
            paramLabel = "URL",
            required = true,
            description = "Root of the schema registry's Confluent API, for example"
                    + " http://127.0.0.1:8081/apis/ccompat/v7.")
    private String registry;

    @Option(
            names = "--kafka-config",
            paramLabel = "FILE",
            description = "Properties file of Kafka client settings that win over the built-in ones, for example"
                    + " for TLS.")
    private Path kafkaConfig;

    /** The settings these flags give. */
    KafkaSettings settings() {
        return new KafkaSettings(bootstrap, registry, overrides());
    }

    private Map<String, String> overrides() {
        if (kafkaConfig == null) {
            return Map.of();
        }
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(kafkaConfig)) {
            properties.load(reader);
        } catch (IOException | IllegalArgumentException e) {
            throw new UserException("--kafka-config " + kafkaConfig + " is not a readable properties file", e);
        }
        Map<String, String> overrides = new HashMap<>();
        properties.stringPropertyNames().forEach(name -> overrides.put(name, properties.getProperty(name)));
        return overrides;
    }
}
