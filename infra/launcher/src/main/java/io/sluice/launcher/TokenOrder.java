package io.sluice.launcher;

import io.sluice.records.Token;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * A reader's view of one request's tokens: every index once and in order, whatever was published twice or by an attempt
 * that a newer one has replaced. Not thread-safe.
 */
final class TokenOrder {
    private final Consumer<String> pieces;
    private final TreeMap<Integer, String> early = new TreeMap<>();
    private int attempt;
    private int next;

    TokenOrder(Consumer<String> pieces) {
        this.pieces = pieces;
    }

    /** Takes a token; passes on its text when its turn has come. */
    void accept(Token token) {
        if (token.getAttempt() < attempt) {
            return;
        }
        if (token.getAttempt() > attempt) {
            attempt = token.getAttempt();
            early.clear();
        }
        if (token.getIndex() >= next) {
            early.put(token.getIndex(), token.getText());
        }
        while (!early.isEmpty() && early.firstKey() == next) {
            pieces.accept(early.pollFirstEntry().getValue());
            next++;
        }
    }

    /** Tokens passed on so far. */
    int count() {
        return next;
    }
}
