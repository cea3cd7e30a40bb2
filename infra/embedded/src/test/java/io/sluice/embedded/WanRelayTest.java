package io.sluice.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
final class WanRelayTest {
    /** Beyond what window and sockets hold together. */
    private static final long MUCH_BYTES = 128L << 20;

    private ServerSocket echo;

    /** Sends back whatever comes. */
    @BeforeEach
    void startEcho() throws IOException {
        echo = new ServerSocket(0);
        Thread.ofVirtual().start(() -> {
            try {
                while (true) {
                    Socket socket = echo.accept();
                    Thread.ofVirtual().start(() -> {
                        try (socket) {
                            socket.setTcpNoDelay(true);
                            socket.getInputStream().transferTo(socket.getOutputStream());
                        } catch (IOException e) {
                            // the test is over
                        }
                    });
                }
            } catch (IOException e) {
                // the test is over
            }
        });
    }

    @AfterEach
    void stopEcho() throws IOException {
        echo.close();
    }

    private WanRelay relay(String shape) {
        return new WanRelay("test", 0, echo.getLocalPort(), WanShape.parse(shape), 1);
    }

    private static Socket connect(WanRelay relay) throws IOException {
        Socket socket = new Socket(LoopbackPorts.HOST, relay.port());
        socket.setTcpNoDelay(true);
        return socket;
    }

    @Test
    void shouldKeepEveryByteAndTheirOrderOnManyConnections() throws Exception {
        try (WanRelay relay = relay("4ms,800mbit,jitter=2ms,loss=1%")) {
            List<CompletableFuture<Boolean>> equal = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                long seed = i;
                equal.add(CompletableFuture.supplyAsync(() -> sameBack(relay, seed)));
            }
            for (CompletableFuture<Boolean> each : equal) {
                assertThat(each.get(60, TimeUnit.SECONDS)).isTrue();
            }
            assertThat(relay.bytesUp()).isEqualTo(8 * 700_000);
            assertThat(relay.bytesDown()).isEqualTo(8 * 700_000);
        }
    }

    private static boolean sameBack(WanRelay relay, long seed) {
        byte[] sent = new byte[700_000];
        new SplittableRandom(seed).nextBytes(sent);
        try (Socket socket = connect(relay)) {
            Thread.ofVirtual().start(() -> {
                try {
                    OutputStream out = socket.getOutputStream();
                    for (int from = 0; from < sent.length; from += 7_001) {
                        out.write(sent, from, Math.min(7_001, sent.length - from));
                    }
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            byte[] back = new byte[sent.length];
            new DataInputStream(socket.getInputStream()).readFully(back);
            return Arrays.equals(sent, back);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void shouldTakeAtLeastTheDelayOfItsCrossingsAndHardlyLonger() throws Exception {
        try (WanRelay relay = relay("40ms");
                Socket socket = connect(relay)) {
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            long[] nanos = new long[40];
            for (int i = 0; i < nanos.length; i++) {
                long start = System.nanoTime();
                out.write(i);
                assertThat(in.read()).isEqualTo(i);
                nanos[i] = System.nanoTime() - start;
            }
            // One relay is crossed twice, a quarter of the round trip each; the fastest is not disturbed by the
            // machine.
            long fastest = Arrays.stream(nanos).min().orElseThrow();
            assertThat(fastest).isBetween(20_000_000L, 40_000_000L);
        }
    }

    @Test
    void shouldNotPassMoreThanItsRate() throws Exception {
        try (WanRelay relay = relay("0ms,80mbit");
                Socket socket = connect(relay)) {
            byte[] sent = new byte[2_000_000];
            long start = System.nanoTime();
            Thread.ofVirtual().start(() -> {
                try {
                    socket.getOutputStream().write(sent);
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            new DataInputStream(socket.getInputStream()).readFully(new byte[sent.length]);
            // 10 MB/s each way; the way back overlaps.
            assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(200_000_000L);
        }
    }

    @Test
    void shouldMakeAFastSenderWaitInsteadOfKeepingWhatItSends() throws Exception {
        try (ServerSocket deaf = new ServerSocket(0);
                WanRelay relay = new WanRelay("test", 0, deaf.getLocalPort(), WanShape.parse("0ms"), 1);
                SocketChannel sender = SocketChannel.open(new InetSocketAddress(LoopbackPorts.HOST, relay.port()));
                Socket accepted = deaf.accept()) { // which never reads
            sender.configureBlocking(false);
            ByteBuffer piece = ByteBuffer.allocate(64 << 10);
            long sent = 0;
            for (int idle = 0; idle < 100 && sent < MUCH_BYTES; ) {
                int written = sender.write(piece.clear());
                sent += written;
                idle = written > 0 ? 0 : idle + 1;
                if (written == 0) {
                    Thread.sleep(Duration.ofMillis(5));
                }
            }
            // The window, what one read takes beyond it, and the buffers of the sockets on the way.
            assertThat(sent).isLessThan(MUCH_BYTES);
            assertThat(relay.bytesUp()).isLessThanOrEqualTo(sent);
            assertThat(accepted.isConnected()).isTrue();
        }
    }

    @Test
    void shouldPassNothingWhileCutAndEverythingWhenMended() throws Exception {
        try (WanRelay relay = relay("2ms");
                Socket socket = connect(relay)) {
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            out.write(1);
            assertThat(in.read()).isEqualTo(1);
            relay.cut();
            out.write(2);
            try (Socket late = connect(relay)) {
                late.getOutputStream().write(3);
                socket.setSoTimeout(50);
                late.setSoTimeout(50);
                assertThat(silent(in)).isTrue();
                assertThat(silent(late.getInputStream())).isTrue();
                relay.mend();
                socket.setSoTimeout(0);
                late.setSoTimeout(0);
                assertThat(in.read()).isEqualTo(2);
                assertThat(late.getInputStream().read()).isEqualTo(3);
            }
        }
    }

    private static boolean silent(InputStream in) throws IOException {
        try {
            in.read();
            return false;
        } catch (SocketTimeoutException e) {
            return true;
        }
    }

    @Test
    void shouldEndBothSidesWhenOneEnds() throws Exception {
        try (ServerSocket broker = new ServerSocket(0);
                WanRelay relay = new WanRelay("test", 0, broker.getLocalPort(), WanShape.parse("2ms"), 1)) {
            try (Socket client = connect(relay);
                    Socket accepted = broker.accept()) {
                accepted.close();
                assertThat(client.getInputStream().read()).isEqualTo(-1);
            }
            Socket accepted;
            try (Socket client = connect(relay)) {
                accepted = broker.accept();
            }
            assertThat(accepted.getInputStream().read()).isEqualTo(-1);
        }
    }
}
