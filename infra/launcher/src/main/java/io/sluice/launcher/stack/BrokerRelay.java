package io.sluice.launcher.stack;

import io.sluice.embedded.LoopbackPorts;
import io.sluice.embedded.StartupException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The network between one worker and the broker: a TCP relay on loopback that can be cut. While it is cut nothing
 * passes, not even the end of a connection; new connections are taken and hear nothing. When it is mended what was on its
 * way arrives, as TCP's repetitions would see to. Thread-safe.
 */
final class BrokerRelay implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BrokerRelay.class);
    private static final int BUFFER_BYTES = 64 << 10;
    private static final int CONNECT_MILLIS = 2000;

    private final String name;
    private final ServerSocket server;
    private final int target;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private boolean cut;
    private boolean closed;

    /**
     * @param port where it listens on loopback
     * @param target port on loopback where it forwards to
     */
    BrokerRelay(String name, int port, int target) {
        this.name = name;
        this.target = target;
        try {
            server = new ServerSocket();
            server.setReuseAddress(true);
            server.bind(new InetSocketAddress(InetAddress.getByName(LoopbackPorts.HOST), port));
        } catch (IOException e) {
            throw new StartupException("the relay of " + name + " cannot listen on port " + port, e);
        }
        Thread.ofVirtual().name("relay-" + name).start(this::accept);
    }

    /** Nothing passes from now on. */
    synchronized void cut() {
        cut = true;
    }

    /** Everything passes again. */
    synchronized void mend() {
        cut = false;
        notifyAll();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = server.accept();
                sockets.add(client);
                Thread.ofVirtual().name("relay-" + name).start(() -> connect(client));
            }
        } catch (IOException e) {
            LOG.debug("relay={} ended", name, e);
        }
    }

    private void connect(Socket client) {
        Socket broker = new Socket();
        try {
            if (!awaitWhole()) {
                return;
            }
            broker.connect(new InetSocketAddress(LoopbackPorts.HOST, target), CONNECT_MILLIS);
            broker.setTcpNoDelay(true);
            client.setTcpNoDelay(true);
            sockets.add(broker);
            Thread back = Thread.ofVirtual().name("relay-" + name).start(() -> pump(broker, client));
            pump(client, broker);
            back.join();
        } catch (IOException e) {
            LOG.debug("relay={} has no broker: {}", name, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            end(client);
            end(broker);
        }
    }

    private void pump(Socket from, Socket to) {
        byte[] buffer = new byte[BUFFER_BYTES];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int read = in.read(buffer); awaitWhole() && read >= 0; read = in.read(buffer)) {
                out.write(buffer, 0, read);
            }
        } catch (IOException e) {
            LOG.debug("relay={} connection ended: {}", name, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        try {
            awaitWhole();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        // Kafka's protocol has no half-closed connections.
        end(from);
        end(to);
    }

    /** Waits until the relay is not cut; false when it has been closed. */
    private synchronized boolean awaitWhole() throws InterruptedException {
        while (cut && !closed) {
            wait();
        }
        return !closed;
    }

    private void end(Socket socket) {
        sockets.remove(socket);
        try {
            socket.close();
        } catch (IOException e) {
            LOG.debug("relay={} socket not closed in order", name, e);
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        try {
            server.close();
        } catch (IOException e) {
            LOG.debug("relay={} not closed in order", name, e);
        }
        Set.copyOf(sockets).forEach(this::end);
    }
}
