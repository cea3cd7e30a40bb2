package io.sluice.worker;

import io.sluice.core.LayerRange;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.worker.device.BatchShape;

/** A chunk whose session has KV cache and whose turn has come. Immutable but for its session. */
record Work(StageSession session, InboundChunk chunk) {

    /** What the runner takes. */
    StageInput input(boolean exactRebuild) {
        return new StageInput(
                session.slot,
                chunk.position(),
                chunk.count(),
                chunk.tokenIds(),
                chunk.hidden(),
                chunk.enterLayer(),
                samples(),
                asSteps(exactRebuild));
    }

    /** Whether every position is computed as the decode step that it was. */
    boolean asSteps(boolean exactRebuild) {
        return exactRebuild && chunk.position() >= session.plan.promptTokens();
    }

    /** Whether its positions count as a prompt's, of which several are computed at once. */
    boolean isPrompt() {
        return session.plan.isPrompt(chunk.position());
    }

    /** Whether a token comes of the chunk's last position; of one that is only computed again none does. */
    boolean samples() {
        return session.plan.samples(chunk.lastOfPrompt(), chunk.end());
    }

    /** The layers that it runs. */
    LayerRange layers() {
        return session.plan.layers();
    }

    /** Adds what it computes in the layers {@code [first, end)}. */
    void addTo(BatchShape shape, int first, int end) {
        int from = Math.max(first, layers().first());
        int to = Math.min(end, layers().end());
        if (from >= to) {
            return;
        }
        LayerRange span = new LayerRange(from, to);
        if (isPrompt()) {
            shape.addPrompt(span, chunk.count());
        } else {
            shape.addDecode(span, chunk.count());
        }
    }

    /** The same session with another part of the chunk. */
    Work part(int from, int to) {
        return new Work(session, chunk.slice(from, to));
    }
}
