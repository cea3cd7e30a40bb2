package io.sluice.worker;

import java.util.ArrayDeque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Closes what has been opened, in reverse order and all of it, whatever fails on the way. Thread-safe. */
final class CloseStack implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CloseStack.class);

    private final ArrayDeque<Entry> opened = new ArrayDeque<>();

    /** @param name of the part, for the log when closing it fails */
    synchronized <T extends AutoCloseable> T push(String name, T part) {
        opened.push(new Entry(name, part));
        return part;
    }

    @Override
    public synchronized void close() {
        while (!opened.isEmpty()) {
            Entry entry = opened.pop();
            try {
                entry.part.close();
            } catch (Exception e) {
                LOG.warn("part={} state=close_failed reason={}", entry.name, e.getMessage());
            }
        }
    }

    private record Entry(String name, AutoCloseable part) {}
}
