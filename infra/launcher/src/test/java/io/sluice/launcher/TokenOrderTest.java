package io.sluice.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.Token;
import org.junit.jupiter.api.Test;

final class TokenOrderTest {
    private final StringBuilder text = new StringBuilder();
    private final TokenOrder order = new TokenOrder(text::append);

    @Test
    void shouldPassEachTokenOnceAndInOrder() {
        order.accept(token(1, 0, "a"));
        order.accept(token(1, 0, "a"));
        order.accept(token(1, 2, "c"));
        order.accept(token(1, 1, "b"));
        order.accept(token(1, 1, "b"));
        assertThat(text).hasToString("abc");
        assertThat(order.count()).isEqualTo(3);
    }

    @Test
    void shouldDropTokensOfAnOlderAttempt() {
        order.accept(token(1, 0, "a"));
        order.accept(token(1, 2, "x"));
        order.accept(token(2, 1, "b"));
        order.accept(token(1, 1, "y"));
        order.accept(token(2, 2, "c"));
        assertThat(text).hasToString("abc");
    }

    private static Token token(int attempt, int index, String piece) {
        return Token.newBuilder()
                .setRequestId("r")
                .setAttempt(attempt)
                .setIndex(index)
                .setTokenId(1)
                .setText(piece)
                .setWorker("w")
                .setEmittedMs(0)
                .build();
    }
}
