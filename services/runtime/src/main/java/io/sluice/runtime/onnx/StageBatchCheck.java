package io.sluice.runtime.onnx;

import io.sluice.core.LayerRange;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/** Refuses a wrong batch before anything of it has run, so that a refusal leaves every slot as it was. */
final class StageBatchCheck {
    private final ModelConfig config;
    private final KvCache cache;

    StageBatchCheck(ModelConfig config, KvCache cache) {
        this.config = config;
        this.cache = cache;
    }

    /** @throws IllegalArgumentException naming the first input that is wrong */
    void require(List<StageInput> batch) {
        Set<KvSlot> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (StageInput input : batch) {
            CacheSlot slot = ours(input.slot());
            if (!seen.add(slot)) {
                throw new IllegalArgumentException(
                        slot + " occurs twice in one batch: run its chunks one after the" + " other");
            }
            if (slot.pending() > 0) {
                throw new IllegalArgumentException(
                        slot + " is in a batch that has begun: finish, abandon or leave that first");
            }
            if (input.position() != slot.length()) {
                throw new IllegalArgumentException("position " + input.position() + " is not the length "
                        + slot.length()
                        + " of " + slot + ": chunks must come in order, without gaps");
            }
            if (input.count() < 1 || input.count() > slot.capacityTokens() - slot.length()) {
                throw new IllegalArgumentException(input.count() + " positions do not fit " + slot);
            }
            requireContent(input);
        }
    }

    CacheSlot ours(KvSlot slot) {
        if (!(slot instanceof CacheSlot mine) || !cache.owns(mine)) {
            throw new IllegalArgumentException(slot + " is not held by this runner: it was released, or is another's");
        }
        return mine;
    }

    private void requireContent(StageInput input) {
        LayerRange layers = input.slot().layers();
        if (!layers.contains(input.enterLayer())) {
            throw new IllegalArgumentException(
                    "layer " + input.enterLayer() + " to enter at is outside the layers " + layers + " of the slot");
        }
        if ((input.tokenIds() == null) == (input.hidden() == null)) {
            throw new IllegalArgumentException("an input needs token ids or hidden states, and not both");
        }
        if (input.tokenIds() != null) {
            requireTokens(input);
        } else if (input.hidden().remaining() != (long) input.count() * config.hiddenSize()) {
            throw new IllegalArgumentException(
                    "hidden states have " + input.hidden().remaining() + " elements, but "
                            + input.count() + " positions of " + config.hiddenSize() + " are "
                            + (long) input.count() * config.hiddenSize());
        }
        if (input.needLogits() && layers.end() != config.layerCount()) {
            throw new IllegalArgumentException("layers " + layers + " give no logits: only the stage that holds layer "
                    + (config.layerCount() - 1) + " does");
        }
    }

    private void requireTokens(StageInput input) {
        if (input.enterLayer() != 0) {
            throw new IllegalArgumentException("token ids enter at layer 0, not at layer " + input.enterLayer());
        }
        if (input.tokenIds().length != input.count()) {
            throw new IllegalArgumentException(
                    input.tokenIds().length + " token ids were given for " + input.count() + " positions");
        }
        for (int token : input.tokenIds()) {
            if (token < 0 || token >= config.vocabSize()) {
                throw new IllegalArgumentException("token id " + token + " is outside the vocabulary of "
                        + config.vocabSize() + " of model " + config.name());
            }
        }
    }
}
