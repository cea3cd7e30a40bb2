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
