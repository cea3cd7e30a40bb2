package io.sluice.router;

import io.sluice.core.ServiceClass;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * A look at every running session, a part at a time: latency-critical ones before best-effort ones, in each class those
 * that have waited longest first, and a round that begins while one goes on only adds who is not waiting yet. Used by one
 * task.
 */
final class Rounds {
    private final SessionBook book;
    private final Map<ServiceClass, Set<String>> due = new EnumMap<>(ServiceClass.class);

    Rounds(SessionBook book) {
        this.book = book;
        for (ServiceClass serviceClass : ServiceClass.values()) {
            due.put(serviceClass, new LinkedHashSet<>());
        }
    }

    /** Every session that runs now is to be looked at. */
    void begin() {
        book.running().forEach(session -> due.get(session.request().serviceClass())
                .add(session.life().id().value()));
    }

    /** Looks at sessions until all had their turn or there is no more time; those that have ended are passed over. */
    void goOn(BooleanSupplier timeLeft, Consumer<StoredSession> look) {
        for (Set<String> ofClass : due.values()) {
            while (!ofClass.isEmpty() && timeLeft.getAsBoolean()) {
                Iterator<String> first = ofClass.iterator();
                String id = first.next();
                first.remove();
                book.running(id).ifPresent(look);
            }
        }
    }
}
