package io.sluice.simtest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ArithmeticTest {
    private static final int[] PROMPT = {5, 6, 7};

    private static long last(KvCache cache, int... positions) {
        long hidden = 0;
        for (int position : positions) {
            hidden = cache.append(Arithmetic.embed(PROMPT[position], position));
        }
        return hidden;
    }

    @Test
    void shouldGiveTheSameHoweverTheLayersAreSplit() {
        KvCache whole = new KvCache(0, 4, 64);
        KvCache front = new KvCache(0, 1, 64);
        KvCache back = new KvCache(1, 3, 64);
        for (int position = 0; position < 40; position++) {
            long input = Arithmetic.embed(position, position);
            assertThat(back.append(front.append(input))).isEqualTo(whole.append(input));
        }
    }

    @Test
    void shouldGiveAnotherTokenWhenAPositionIsMissingDoubledOrOutOfPlace() {
        long right = last(new KvCache(0, 2, 64), 0, 1, 2);

        assertThat(last(new KvCache(0, 2, 64), 0, 2)).isNotEqualTo(right);
        assertThat(last(new KvCache(0, 2, 64), 0, 1, 1, 2)).isNotEqualTo(right);
        assertThat(last(new KvCache(0, 2, 64), 1, 0, 2)).isNotEqualTo(right);
    }

    @Test
    void shouldGoOnAfterTruncationAsIfNothingHadHappened() {
        KvCache cache = new KvCache(0, 2, 64);
        long right = last(cache, 0, 1, 2);
        cache.truncate(1);

        assertThat(last(cache, 1, 2)).isEqualTo(right);
    }

    @Test
    void shouldEndTheReferenceAtMostAtItsLimit() {
        for (int seed = 0; seed < 50; seed++) {
            int[] tokens = Arithmetic.reference(3, PROMPT, 30, seed);
            assertThat(tokens).hasSizeBetween(1, 30);
            for (int i = 0; i + 1 < tokens.length; i++) {
                assertThat(Arithmetic.endsSequence(tokens[i])).isFalse();
            }
        }
    }
}
