package io.sluice.schemas;

import io.confluent.kafka.schemaregistry.avro.AvroSchema;
import io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import io.confluent.kafka.schemaregistry.client.MockSchemaRegistryClient;
import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.avro.Schema;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Schemas by subject and by id, over Confluent's own client. Any registry that speaks Confluent's API will do. Subjects
 * are held to BACKWARD compatibility: a reader with the new schema reads every record already written. Thread-safe.
 */
public final class SchemaRegistry implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SchemaRegistry.class);
    private static final String BACKWARD = "BACKWARD";
    /** Levels under which BACKWARD holds. */
    private static final Set<String> STRONG_ENOUGH = Set.of(BACKWARD, "BACKWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE");

    private static final int NOT_FOUND = 404;
    private static final int CACHED_SCHEMAS = 1000;
    private static final int REQUEST_TIMEOUT_MS = 10_000;
    private static final int ATTEMPTS = 3;
    private static final Duration POLL = Duration.ofMillis(250);
    private static final Duration REPORT = Duration.ofSeconds(3);
    /** How long an id stays unknown without asking again; the bound keeps garbage ids from filling memory. */
    private static final Duration UNKNOWN_FOR = Duration.ofSeconds(10);

    private static final int UNKNOWN_IDS_MAX = 10_000;

    private final String url;
    private final SchemaRegistryClient client;
    /** How long a registry may be away before a registration or a look-up fails. */
    private final Duration patience;

    private final Map<String, Integer> registered = new ConcurrentHashMap<>();
    private final Map<Integer, Schema> known = new ConcurrentHashMap<>();
    private final Map<Integer, Long> unknownUntilNanos = new ConcurrentHashMap<>();

    /**
     * Waits until the registry answers.
     *
     * @param url root of Confluent's API, for example {@code http://127.0.0.1:8081}
     * @param startTimeout how long to wait, here and whenever a schema is registered or looked up while the registry is away
     * @throws RegistryUnavailableException when it does not answer in time
     */
    public SchemaRegistry(String url, Duration startTimeout) {
        this(checkedUrl(url), httpClient(url), startTimeout);
        awaitAnswer(startTimeout);
    }

    private SchemaRegistry(String url, SchemaRegistryClient client, Duration patience) {
        this.url = url;
        this.client = client;
        this.patience = patience;
    }

    /** A registry in this process; for tests only. */
    public static SchemaRegistry inMemory() {
        return new SchemaRegistry("memory:", new MockSchemaRegistryClient(), Duration.ZERO);
    }

    /** Root of the API this registry talks to. */
    public String url() {
        return url;
    }

    /**
     * Registers a schema under a subject, once; registering it again gives the same id.
     *
     * @return the schema's id
     * @throws IncompatibleSchemaException when a reader with this schema could not read the subject's older records
     * @throws RegistryUnavailableException when the registry does not answer within the start time-out
     */
    public int register(String subject, Schema schema) {
        Objects.requireNonNull(subject, "subject");
        Schema plain = PortableSchema.of(schema);
        return registered.computeIfAbsent(subject + '\n' + plain, key -> registerNow(subject, new AvroSchema(plain)));
    }

    /**
     * The schema of an id; cached for ever, and for ten seconds when nobody knows the id.
     *
     * @throws UnknownSchemaException when the registry answers that it does not know the id
     * @throws RegistryUnavailableException when the registry does not answer within the start time-out
     */
    public Schema byId(int id) {
        Schema schema = known.get(id);
        if (schema != null) {
            return schema;
        }
        Long until = unknownUntilNanos.get(id);
        if (until != null && until - System.nanoTime() > 0) {
            throw unknown(id);
        }
        schema = lookUp(id);
        unknownUntilNanos.remove(id);
        known.put(id, schema);
        return schema;
    }

    /** A record may be the first of its schema while the registry is starting again. */
    private Schema lookUp(int id) {
        String what = "look up schema id " + id;
        long start = System.nanoTime();
        while (true) {
            try {
                return ((AvroSchema) client.getSchemaById(id)).rawSchema();
            } catch (RestClientException e) {
                if (!notFound(e)) {
                    throw unavailable(what, e);
                }
                if (unknownUntilNanos.size() >= UNKNOWN_IDS_MAX) {
                    unknownUntilNanos.clear();
                }
                unknownUntilNanos.put(id, System.nanoTime() + UNKNOWN_FOR.toNanos());
                throw unknown(id);
            } catch (IOException e) {
                awaitNext(start, what, e);
            }
        }
    }

    @Override
    public void close() {
        try {
            client.close();
        } catch (IOException e) {
            LOG.debug("closing the registry client: {}", e.getMessage());
        }
    }

    private int registerNow(String subject, AvroSchema schema) {
        long start = System.nanoTime();
        for (int attempt = 1; ; attempt++) {
            try {
                return tryRegister(subject, schema);
            } catch (RestClientException e) {
                // Two services that register a new subject at once may collide inside the registry.
                boolean collided = e.getStatus() == 409 || e.getStatus() >= 500;
                if (!collided || attempt == ATTEMPTS) {
                    throw unavailable("register subject " + subject, e);
                }
            } catch (IOException e) {
                awaitNext(start, "register subject " + subject, e);
                attempt = 0;
            }
        }
    }

    /** It answered when this program began, or nobody had come here; it may be starting again. */
    private void awaitNext(long startNanos, String what, IOException e) {
        if (System.nanoTime() - startNanos >= patience.toNanos()) {
            throw unavailable(what, e);
        }
        LOG.info("waiting for schema registry url={} to {}: {}", url, what, e.getMessage());
        pause();
    }

    private int tryRegister(String subject, AvroSchema schema) throws IOException, RestClientException {
        Integer id = registeredId(subject, schema);
        if (id != null) {
            requireBackward(subject);
        } else {
            id = registerVersion(subject, schema);
        }
        known.putIfAbsent(id, schema.rawSchema());
        return id;
    }

    private int registerVersion(String subject, AvroSchema schema) throws IOException, RestClientException {
        boolean exists = exists(subject);
        if (exists) {
            requireBackward(subject);
            checkCompatible(subject, schema);
        }
        int id = client.register(subject, schema);
        if (!exists) {
            // Some registries keep no settings for a subject before its first schema.
            requireBackward(subject);
        }
        LOG.info("schema registered subject={} id={}", subject, id);
        return id;
    }

    private boolean exists(String subject) throws IOException, RestClientException {
        try {
            return !client.getAllVersions(subject).isEmpty();
        } catch (RestClientException e) {
            if (notFound(e)) {
                return false;
            }
            throw e;
        }
    }

    private Integer registeredId(String subject, AvroSchema schema) throws IOException, RestClientException {
        try {
            return client.getId(subject, schema);
        } catch (RestClientException e) {
            if (notFound(e)) {
                return null;
            }
            throw e;
        }
    }

    private void checkCompatible(String subject, AvroSchema schema) throws IOException, RestClientException {
        AvroSchema latest = new AvroSchema(new Schema.Parser()
                .parse(client.getLatestSchemaMetadata(subject).getSchema()));
        List<String> changes = schema.isBackwardCompatible(latest);
        if (changes.isEmpty()) {
            changes = client.testCompatibilityVerbose(subject, schema);
        }
        if (!changes.isEmpty()) {
            throw new IncompatibleSchemaException("schema of subject " + subject + " at " + url
                    + " cannot read records written with the registered version: " + String.join("; ", changes)
                    + ". Give a new field a default, keep names and types, or start a new topic version (.v2)");
        }
    }

    private void requireBackward(String subject) throws IOException, RestClientException {
        String level = compatibility(subject);
        if (level == null) {
            level = compatibility(null);
        }
        if (level == null || !STRONG_ENOUGH.contains(level)) {
            client.updateCompatibility(subject, BACKWARD);
            LOG.info("compatibility set subject={} from={} to={}", subject, level, BACKWARD);
        }
    }

    private String compatibility(String subject) throws IOException, RestClientException {
        try {
            return client.getCompatibility(subject);
        } catch (RestClientException e) {
            if (notFound(e)) {
                return null;
            }
            throw e;
        }
    }

    private void awaitAnswer(Duration timeout) {
        long start = System.nanoTime();
        long reportAt = start + POLL.toNanos();
        while (true) {
            try {
                client.getAllSubjects();
                return;
            } catch (IOException | RestClientException e) {
                long now = System.nanoTime();
                if (now - start >= timeout.toNanos()) {
                    throw new RegistryUnavailableException(
                            "schema registry at " + url + " did not answer within " + timeout.toSeconds() + " s ("
                                    + e.getMessage() + "); start it or correct --registry (Confluent API root)",
                            e);
                }
                if (now - reportAt >= 0) {
                    LOG.info("waiting for schema registry url={} waitedSeconds={}", url, (now - start) / 1_000_000_000);
                    reportAt = now + REPORT.toNanos();
                }
                pause();
            }
        }
    }

    private void pause() {
        try {
            Thread.sleep(POLL);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RegistryUnavailableException("interrupted while waiting for the schema registry at " + url, e);
        }
    }

    private UnknownSchemaException unknown(int id) {
        return new UnknownSchemaException(
                id,
                "schema id " + id + " is not in the registry at " + url
                        + "; the producer used another registry or the bytes are not a record");
    }

    private RegistryUnavailableException unavailable(String what, Exception e) {
        return new RegistryUnavailableException(
                "schema registry at " + url + " could not " + what + ": " + e.getMessage(), e);
    }

    private static boolean notFound(RestClientException e) {
        return e.getStatus() == NOT_FOUND;
    }

    private static SchemaRegistryClient httpClient(String url) {
        return new CachedSchemaRegistryClient(
                url,
                CACHED_SCHEMAS,
                Map.of("http.connect.timeout.ms", REQUEST_TIMEOUT_MS, "http.read.timeout.ms", REQUEST_TIMEOUT_MS));
    }

    private static String checkedUrl(String url) {
        if (url == null || !(url.startsWith("http://") || url.startsWith("https://"))) {
            throw new IllegalArgumentException("schema registry URL '" + url
                    + "' must be an http(s) address of Confluent's API, for example http://127.0.0.1:8081");
        }
        return url;
    }
}
