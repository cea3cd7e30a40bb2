package io.sluice.worker;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Pieces of one session's prompt, which a slow link has cut, on their way to being a chunk of this worker's size again, so
 * that the weights are not read once per piece. Owned by the compute thread.
 */
final class PromptGathering {
    private final List<InboundChunk> pieces = new ArrayList<>();
    private int tokens;

    /**
     * Adds the piece that follows; its positions must go on where the former ended.
     *
     * @param chunkTokens size to gather to; one less is enough, because a prompt's last chunk but one may lack a position
     * @param last whether nothing follows that could join it
     * @return the chunk, when it is large enough or the last; null else
     */
    InboundChunk add(InboundChunk piece, int chunkTokens, boolean last) {
        pieces.add(piece);
        tokens += piece.count();
        if (tokens + 1 < chunkTokens && !last) {
            return null;
        }
        InboundChunk whole = pieces.size() == 1 ? piece : join();
        clear();
        return whole;
    }

    void clear() {
        pieces.clear();
        tokens = 0;
    }

    private InboundChunk join() {
        InboundChunk first = pieces.getFirst();
        InboundChunk last = pieces.getLast();
        FloatBuffer hidden = FloatBuffer.allocate(
                pieces.stream().mapToInt(p -> p.hidden().remaining()).sum());
        pieces.forEach(piece -> hidden.put(piece.hidden().duplicate()));
        return new InboundChunk(
                first.session(),
                first.attempt(),
                first.kind(),
                first.position(),
                tokens,
                first.enterLayer(),
                null,
                hidden.flip(),
                last.lastOfPrompt(),
                first.plan(),
                last.hops(),
                last.arrival());
    }
}
