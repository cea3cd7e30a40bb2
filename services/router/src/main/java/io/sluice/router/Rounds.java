package io.sluice.router;

import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * A look at every running session, a part at a time: those that have waited longest come first, and a round that begins
 * while one goes on only adds who is not waiting yet. Used by one task.
 */
final class Rounds {
    private final SessionBook book;
    private final Set<String> due = new LinkedHashSet<>();

    Rounds(SessionBook book) {
        this.book = book;
    }

    /** Every session that runs now is to be looked at. */
    void begin() {
        book.running().forEach(session -> due.add(session.life().id().value()));
    }

    /** Looks at sessions until all had their turn or there is no more time; those that have ended are passed over. */
    void goOn(BooleanSupplier timeLeft, Consumer<StoredSession> look) {
        while (!due.isEmpty() && timeLeft.getAsBoolean()) {
            Iterator<String> first = due.iterator();
            String id = first.next();
            first.remove();
            book.running(id).ifPresent(look);
        }
    }
}
