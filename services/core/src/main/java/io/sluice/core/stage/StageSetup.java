package io.sluice.core.stage;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.recovery.StageResume;
import java.util.List;

/** What a stage must know of an attempt of a session. Immutable. */
public interface StageSetup {
    /** The session's stages. */
    Pipeline pipeline();

    /** Which of them this one is. */
    int index();

    /** What each stage begins with, in pipeline order. */
    List<StageResume> resumes();

    /** First position whose output is new: the last of the prompt unless the attempt resumes. */
    int position();

    /** Length of the prompt proper, tokens. */
    int promptTokens();

    /** KV cache that the session takes on every stage, tokens. */
    int kvTokens();

    /** Whether the session goes on from another attempt's tokens. */
    boolean resumed();

    /** Whether the session waits without end for what the device has left, see {@link StageLimits}. */
    default boolean bestEffort() {
        return false;
    }

    default boolean isFirst() {
        return index() == 0;
    }

    default boolean isLast() {
        return index() == pipeline().stages().size() - 1;
    }

    /** The layers that the session runs at this stage. */
    default LayerRange layers() {
        return pipeline().stages().get(index()).layers();
    }

    default int enterLayer() {
        return layers().first();
    }

    /** The stage that follows; not for the last stage. */
    default Stage next() {
        return pipeline().stages().get(index() + 1);
    }

    /** What this stage begins with. */
    default StageResume resume() {
        return resumes().get(index());
    }

    /** First position that the next stage wants in this attempt; not for the last stage. */
    default int nextStart() {
        return resumes().get(index() + 1).start();
    }

    /** Whether the position belongs to the prompt or to what is only computed again. */
    default boolean isPrompt(int position) {
        return position < promptTokens() || position < position();
    }

    /** How many of a chunk's first positions the next stage has already, so that they are not sent on. */
    default int knownToNext(int position) {
        return Math.max(0, nextStart() - position);
    }

    /**
     * Whether a token comes of a chunk's last position; of one that is only computed again none does.
     *
     * @param endsPrompt whether the chunk is a step or ends the prompt
     * @param end position after its last one
     */
    default boolean samples(boolean endsPrompt, int end) {
        return isLast() && endsPrompt && end > position();
    }

    /** Whether the same attempt cannot have both: its number was given twice. */
    default boolean contradicts(StageSetup other) {
        return !pipeline().equals(other.pipeline())
                || position() != other.position()
                || !resumes().equals(other.resumes());
    }
}
