package io.sluice.embedded;

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
 * The network between one site and the broker, on loopback: a TCP relay whose two directions have the delay, rate, jitter
 * and loss of a {@link WanShape}, and which can be cut. While it is cut nothing passes, not even the end of a connection,
 * and new connections are taken and hear nothing; mended, what was on its way arrives, as TCP's repetitions would see to.
 * A connection begins one round trip to the broker after it was opened, as its handshake would make it. Bytes and order are
 * never changed. It adds less than a millisecond to the delay asked for on a machine that is not busy. Thread-safe.
 */
public final class WanRelay implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WanRelay.class);
    private static final int CONNECT_MILLIS = 2_000;

    private final String name;
    private final ServerSocket server;
    private final int target;
    private final WanLine up;
    private final WanLine down;
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private boolean cut;
    private boolean closed;

    /**
     * Listens from now on.
     *
     * @param name of the site, for the log
     * @param port where it listens on loopback; 0: any free one
     * @param target port on loopback where it forwards to; need not be open yet
     * @param seed of jitter and loss
     * @throws StartupException when the port is taken
     */
    public WanRelay(String name, int port, int target, WanShape shape, long seed) {
        this.name = name;
        this.target = target;
        long now = System.nanoTime();
        this.up = new WanLine(shape, seed, now);
        this.down = new WanLine(shape, ~seed, now);
        try {
            server = new ServerSocket();
            server.setReuseAddress(true);
            server.bind(new InetSocketAddress(InetAddress.getByName(LoopbackPorts.HOST), port));
        } catch (IOException e) {
            throw new StartupException("the relay of " + name + " cannot listen on port " + port, e);
        }
        Thread.ofVirtual().name("relay-" + name).start(this::accept);
    }

    /** Where it listens on loopback. */
    public int port() {
        return server.getLocalPort();
    }

    /** Bytes that came from the site so far. */
    public long bytesUp() {
        return up.bytes();
    }

    /** Bytes that came from the broker so far. */
    public long bytesDown() {
        return down.bytes();
    }

    /** Pieces that came out at either end since the shape is what it is. */
    public long handedOn() {
        return up.handedOn() + down.handedOn();
    }

    /** By how much these came out later than the shape says, together, nanoseconds: the machine was busy. */
    public long lateNanos() {
        return up.lateNanos() + down.lateNanos();
    }

    /** The network is another one from now on; connections stay. */
    public void reshape(WanShape shape) {
        up.reshape(shape);
        down.reshape(shape);
    }

    /** Nothing passes from now on. */
    public void cut() {
        hold(true);
    }

    /** Everything passes again. */
    public void mend() {
        hold(false);
    }

    private void hold(boolean value) {
        synchronized (this) {
            cut = value;
            notifyAll();
        }
        connections.forEach(connection -> connection.hold(value));
    }

    /** Where there is a delay to keep, threads of the system: what a timer wakes runs sooner there than on a virtual thread. */
    private Thread.Builder thread(String suffix) {
        String full = "relay-" + name + suffix;
        return up.crossingNanos() > 0
                ? Thread.ofPlatform().daemon().name(full)
                : Thread.ofVirtual().name(full);
    }

    private void accept() {
        try {
            while (true) {
                Connection connection = new Connection(server.accept());
                connections.add(connection);
                thread("").start(connection::run);
            }
        } catch (IOException e) {
            LOG.debug("relay={} ended", name, e);
        }
    }

    /** Waits until the relay is not cut; false when it has been closed. */
    private synchronized boolean awaitWhole() throws InterruptedException {
        while (cut && !closed) {
            wait();
        }
        return !closed;
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
        Set.copyOf(connections).forEach(Connection::end);
    }

    /** A connection of the site and the one to the broker that belongs to it. */
    private final class Connection {
        private final Socket site;
        private final Socket broker = new Socket();
        private final WanPipe toBroker = new WanPipe(up);
        private final WanPipe toSite = new WanPipe(down);

        Connection(Socket site) {
            this.site = site;
        }

        void run() {
            try {
                site.setTcpNoDelay(true);
                Thread.sleep(java.time.Duration.ofNanos(2 * up.crossingNanos()));
                if (!awaitWhole()) {
                    return;
                }
                broker.connect(new InetSocketAddress(LoopbackPorts.HOST, target), CONNECT_MILLIS);
                broker.setTcpNoDelay(true);
                thread("-up").start(() -> pump(toBroker, site, broker));
                pump(toSite, broker, site);
            } catch (IOException e) {
                LOG.debug("relay={} has no broker: {}", name, e.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                end();
            }
        }

        /** Carries one direction; Kafka's protocol has no half-closed connections, so its end is the end of both. */
        private void pump(WanPipe pipe, Socket from, Socket to) {
            try {
                InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream();
                thread("-in").start(() -> {
                    try {
                        pipe.read(in);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                });
                pipe.write(out);
            } catch (IOException e) {
                LOG.debug("relay={} connection ended: {}", name, e.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                end();
            }
        }

        void hold(boolean value) {
            toBroker.hold(value);
            toSite.hold(value);
        }

        void end() {
            connections.remove(this);
            toBroker.end();
            toSite.end();
            close(site);
            close(broker);
        }

        private void close(Socket socket) {
            try {
                socket.close();
            } catch (IOException e) {
                LOG.debug("relay={} socket not closed in order", name, e);
            }
        }
    }
}
