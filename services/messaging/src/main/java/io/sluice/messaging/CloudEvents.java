package io.sluice.messaging;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Objects;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * CloudEvents 1.0 attributes in Kafka's binary mode: headers beside an untouched value. Producers of ours set them; no
 * reader requires them. Stateless.
 */
public final class CloudEvents {
    /** Type of an inference request event. */
    public static final String REQUEST_TYPE = "io.sluice.inference.request.v1";

    private static final String SPEC_VERSION = "1.0";

    private CloudEvents() {}

    /**
     * @param id unique within the source; for a request its request id
     * @param source URI reference of the producer, for example {@code /sluice/loadgen}
     * @param type event type, for example {@link #REQUEST_TYPE}
     * @param time when the event happened
     */
    public static Headers headers(String id, String source, String type, Instant time) {
        Headers headers = new RecordHeaders();
        add(headers, "ce_specversion", SPEC_VERSION);
        add(headers, "ce_id", id);
        add(headers, "ce_source", source);
        add(headers, "ce_type", type);
        add(headers, "ce_time", time.toString());
        return headers;
    }

    private static void add(Headers headers, String name, String value) {
        headers.add(name, Objects.requireNonNull(value, name).getBytes(StandardCharsets.UTF_8));
    }
}
