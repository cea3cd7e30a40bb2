package io.sluice.launcher.stack;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Remembers what was opened and closes it in the opposite order, whatever fails on the way. Thread-safe. */
final class CloseOrder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CloseOrder.class);

    private final Deque<Part> parts = new ArrayDeque<>();

    private record Part(String name, AutoCloseable part) {}

    /** Takes a part in; returns it. */
    synchronized <T extends AutoCloseable> T opened(String name, T part) {
        parts.push(new Part(name, part));
        return part;
    }

    @Override
    public synchronized void close() {
        while (!parts.isEmpty()) {
            Part part = parts.pop();
            try {
                part.part().close();
            } catch (Exception e) { // AutoCloseable.close
                LOG.warn("{} did not stop in order: {}", part.name(), e.getMessage(), e);
            }
        }
    }
}
