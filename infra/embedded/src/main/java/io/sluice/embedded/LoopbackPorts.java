package io.sluice.embedded;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Finds and checks TCP ports on the loopback interface. A port found free may be taken before it is used: retry. */
public final class LoopbackPorts {
    /** Address that every embedded part binds to. */
    public static final String HOST = "127.0.0.1";

    private static final Set<Integer> GIVEN = new HashSet<>();
    private static final int LASTING_FIRST = 20_000;
    private static final int LASTING_END = 32_000;

    private LoopbackPorts() {}

    /** Distinct ports that were free a moment ago, one per {@code count}. */
    public static int[] free(int count) {
        List<ServerSocket> held = new ArrayList<>();
        try {
            int[] ports = new int[count];
            for (int i = 0; i < count; i++) {
                held.add(new ServerSocket(0, 1, InetAddress.getByName(HOST)));
                ports[i] = held.getLast().getLocalPort();
            }
            return ports;
        } catch (IOException e) {
            throw new StartupException("no free TCP port on " + HOST + ": " + e.getMessage(), e);
        } finally {
            for (ServerSocket socket : held) {
                try {
                    socket.close();
                } catch (IOException e) {
                    throw new StartupException("cannot release the probed port on " + HOST, e);
                }
            }
        }
    }

    /**
     * Distinct ports that are free and stay so while their server is away: below the range from which the system takes the
     * ports of outgoing connections. A client that keeps trying to reach an absent server on a port of that range may be
     * given that very port, is then connected to itself, and keeps the server from coming back. A port is given out once
     * per process.
     */
    public static synchronized int[] lasting(int count) {
        int[] ports = new int[count];
        int found = 0;
        int first = LASTING_FIRST + (int) (ProcessHandle.current().pid() % (LASTING_END - LASTING_FIRST));
        for (int i = 0; i < LASTING_END - LASTING_FIRST && found < count; i++) {
            int port = LASTING_FIRST + (first - LASTING_FIRST + i) % (LASTING_END - LASTING_FIRST);
            if (!GIVEN.contains(port) && isFree(port)) {
                GIVEN.add(port);
                ports[found++] = port;
            }
        }
        if (found < count) {
            throw new StartupException("only " + found + " of " + count + " ports between " + LASTING_FIRST + " and "
                    + LASTING_END + " are free on " + HOST);
        }
        return ports;
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getByName(HOST), port), 1);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** {@code port} itself, or a free one for 0. */
    public static int freeIfZero(int port) {
        return port == 0 ? free(1)[0] : port;
    }

    /**
     * Fails when somebody listens on {@code port} already.
     *
     * @param what names the server and {@code flag} the setting that moves it, for the message
     */
    public static void requireFree(int port, String what, String flag) {
        if (port < 1 || port > 65_535) {
            throw new StartupException(what + " port " + port + " must be 0 (any free port) or 1 to 65535");
        }
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getByName(HOST), port), 1);
        } catch (IOException e) {
            throw inUse(port, what, flag, e);
        }
    }

    static StartupException inUse(int port, String what, String flag, Throwable cause) {
        return new StartupException(
                what + " port " + port + " on " + HOST + " is in use: stop the program that holds it, choose"
                        + " another with "
                        + flag + ", or pass 0 for any free port",
                cause);
    }
}
