package io.sluice.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.avro.Schema;
import org.junit.jupiter.api.Test;

class SchemaRegistryTest {
    private static final String SUBJECT = "s-value";

    @Test
    void shouldGiveTheSameIdForTheSameSchema() {
        SchemaRegistry registry = SchemaRegistry.inMemory();

        int id = registry.register(SUBJECT, schema("{'name':'a','type':'int'}"));

        assertThat(registry.register(SUBJECT, schema("{'name':'a','type':'int'}")))
                .isEqualTo(id);
        assertThat(registry.byId(id)).isEqualTo(schema("{'name':'a','type':'int'}"));
    }

    @Test
    void shouldLetASchemaGrowByAFieldWithDefault() {
        SchemaRegistry registry = SchemaRegistry.inMemory();
        int first = registry.register(SUBJECT, schema("{'name':'a','type':'int'}"));

        int second =
                registry.register(SUBJECT, schema("{'name':'a','type':'int'},{'name':'b','type':'int','default':0}"));

        assertThat(second).isNotEqualTo(first);
        assertThat(registry.register(SUBJECT, schema("{'name':'a','type':'int'}")))
                .isEqualTo(first);
    }

    @Test
    void shouldNameSubjectChangeAndRemedyOfAnIncompatibleSchema() {
        SchemaRegistry registry = SchemaRegistry.inMemory();
        registry.register(SUBJECT, schema("{'name':'a','type':'int'}"));

        assertThatThrownBy(
                        () -> registry.register(SUBJECT, schema("{'name':'a','type':'int'},{'name':'b','type':'int'}")))
                .isInstanceOf(IncompatibleSchemaException.class)
                .hasMessageContaining(SUBJECT)
                .hasMessageContaining("READER_FIELD_MISSING_DEFAULT_VALUE")
                .hasMessageContaining("Give a new field a default");
    }

    @Test
    void shouldSayWhenNobodyKnowsAnId() {
        SchemaRegistry registry = SchemaRegistry.inMemory();

        for (int again = 0; again < 2; again++) {
            assertThatThrownBy(() -> registry.byId(99))
                    .isInstanceOfSatisfying(UnknownSchemaException.class, e -> assertThat(e.id())
                            .isEqualTo(99))
                    .hasMessageContaining("memory:");
        }
    }

    @Test
    void shouldWaitForARegistryThatStartsLate() throws IOException {
        AtomicInteger asked = new AtomicInteger();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/subjects", exchange -> {
            boolean up = asked.incrementAndGet() > 2;
            byte[] body = (up ? "[]" : "starting").getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(up ? 200 : 503, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        String url = "http://127.0.0.1:" + server.getAddress().getPort();

        try (SchemaRegistry registry = new SchemaRegistry(url, Duration.ofSeconds(30))) {
            assertThat(registry.url()).isEqualTo(url);
            assertThat(asked).hasValue(3);
        } finally {
            server.stop(0);
        }
    }

    @Test
    void shouldWaitForARegistryThatIsAwayWhenTheFirstRecordOfASchemaComes() throws Exception {
        HttpServer first = answering(0);
        int port = first.getAddress().getPort();
        try (SchemaRegistry registry = new SchemaRegistry("http://127.0.0.1:" + port, Duration.ofSeconds(30))) {
            first.stop(0);
            CompletableFuture<Schema> schema = CompletableFuture.supplyAsync(() -> registry.byId(7));
            assertThatThrownBy(() -> schema.get(600, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
            HttpServer again = answering(port);
            try {
                assertThat(schema.get(30, TimeUnit.SECONDS).getType()).isEqualTo(Schema.Type.STRING);
            } finally {
                again.stop(0);
            }
        }
    }

    @Test
    void shouldNotWaitForASchemaForEver() throws Exception {
        HttpServer server = answering(0);
        String url = "http://127.0.0.1:" + server.getAddress().getPort();
        try (SchemaRegistry registry = new SchemaRegistry(url, Duration.ofMillis(300))) {
            server.stop(0);
            assertThatThrownBy(() -> registry.byId(7))
                    .isInstanceOf(RegistryUnavailableException.class)
                    .hasMessageContaining("look up schema id 7");
        }
    }

    /** A registry with one schema. */
    private static HttpServer answering(int port) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.createContext("/", exchange -> {
            boolean byId = exchange.getRequestURI().getPath().startsWith("/schemas/ids/7");
            byte[] body = (byId ? "{\"schema\":\"\\\"string\\\"\"}" : "[]").getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().add("Content-Type", "application/vnd.schemaregistry.v1+json");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        return server;
    }

    @Test
    void shouldNameTheUrlOfARegistryThatNeverComes() throws IOException {
        int free;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = socket.getLocalPort();
        }
        String url = "http://127.0.0.1:" + free;

        assertThatThrownBy(() -> new SchemaRegistry(url, Duration.ofMillis(300)))
                .isInstanceOf(RegistryUnavailableException.class)
                .hasMessageContaining(url)
                .hasMessageContaining("--registry");
    }

    @Test
    void shouldRefuseAnAddressThatIsNoUrl() {
        assertThatThrownBy(() -> new SchemaRegistry("127.0.0.1:8081", Duration.ofSeconds(1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'127.0.0.1:8081'");
    }

    private static Schema schema(String fields) {
        return new Schema.Parser()
                .parse("{'type':'record','name':'R','fields':[%s]}"
                        .formatted(fields)
                        .replace('\'', '"'));
    }
}
