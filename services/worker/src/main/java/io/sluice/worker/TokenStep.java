package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.records.FinishReason;
import io.sluice.records.HopTiming;
import io.sluice.records.SessionSetup;
import io.sluice.records.Token;
import io.sluice.runtime.Sampler;
import io.sluice.runtime.text.TokenStream;
import io.sluice.runtime.text.Tokenizer;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * The last stage's part of a step: logits to token, its text, and whether the generation ends here. Owned by the
 * compute thread.
 */
final class TokenStep implements AutoCloseable {
    private final WorkerId self;
    private final Tokenizer tokenizer;
    private final Set<Integer> eos;
    private final int contextLength;
    private final LongSupplier epochMillis;

    TokenStep(WorkerId self, Tokenizer tokenizer, Set<Integer> eos, int contextLength, LongSupplier epochMillis) {
        this.self = Objects.requireNonNull(self, "self");
        this.tokenizer = Objects.requireNonNull(tokenizer, "tokenizer");
        this.eos = Set.copyOf(eos);
        this.contextLength = contextLength;
        this.epochMillis = Objects.requireNonNull(epochMillis, "epochMillis");
    }

    /**
     * Samples the token that follows the last position of {@code chunk}. The generation ends at an end-of-sequence
     * token (unless ignored), at max_tokens, or where the next position would no longer fit into the context or the
     * KV cache.
     */
    Token sample(StageSession session, InboundChunk chunk, FloatBuffer logits, List<HopTiming> hops) {
        SessionSetup setup = session.plan.setup();
        int position = chunk.end();
        int index = position - setup.getPromptTokens();
        int id = Sampler.sample(logits, session.plan.sampling(), position);
        FinishReason finish = null;
        if (eos.contains(id) && !setup.getIgnoreEos()) {
            finish = FinishReason.STOP;
        } else if (index + 1 >= setup.getMaxTokens()
                || position >= contextLength
                || position >= session.slot.capacityTokens()) {
            finish = FinishReason.LENGTH;
        }
        if (session.text == null) {
            session.text = textSoFar(session.plan);
        }
        String text = finish == FinishReason.STOP ? "" : append(session.text, id);
        if (finish != null) {
            text += session.text.finish();
        }
        return new Token(
                session.id.value(),
                session.attempt,
                index,
                id,
                text,
                finish,
                self.value(),
                epochMillis.getAsLong(),
                hops);
    }

    /** Closes the tokenizer; any thread, when no session samples here any more. */
    @Override
    public void close() {
        tokenizer.close();
    }

    /** The text up to the resumed position, whose last character may be incomplete; it has been published. */
    private TokenStream textSoFar(SessionPlan plan) {
        TokenStream text = tokenizer.stream();
        if (plan.resumed()) {
            for (int id : plan.setup().getResume().getTokenIds()) {
                append(text, id);
            }
        }
        return text;
    }

    /** A model may have more logits than its tokenizer has entries; such a token has no text. */
    private String append(TokenStream text, int id) {
        return id < tokenizer.vocabSize() ? text.append(id) : "";
    }
}
