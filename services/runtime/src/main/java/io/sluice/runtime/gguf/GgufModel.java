package io.sluice.runtime.gguf;

import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelFormatException;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.text.Tokenizer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * A Llama-family model in a GGUF file, seen as the Hugging Face folder it was converted from: the same tensor names and
 * layout, expanded to fp32 as they are read. Thread-safe.
 *
 * <p>The converter of llama.cpp interleaves the two halves of every query and key head (row {@code 2i + s} of a head
 * holds row {@code s * headDim / 2 + i}), because its rotary embedding turns neighbours; reading undoes that.
 */
public final class GgufModel implements ModelWeights {
    private final GgufFile file;
    private final ModelConfig config;
    private final Map<String, GgufTensor> tensors;

    private GgufModel(GgufFile file, ModelConfig config, Map<String, GgufTensor> tensors) {
        this.file = file;
        this.config = config;
        this.tensors = tensors;
    }

    /**
     * Opens a file and checks that it holds a whole model.
     *
     * @param name served name
     * @throws ModelFormatException when the file is missing, damaged, or holds something else than a Llama-family model
     */
    public static GgufModel open(Path path, String name) {
        GgufFile file = GgufFile.open(path);
        ModelConfig config = LlamaMetadata.config(file, name);
        Map<String, GgufTensor> tensors = new LinkedHashMap<>();
        for (GgufTensor tensor : file.tensors()) {
            LlamaTensorNames.huggingFace(tensor.name()).ifPresent(renamed -> tensors.put(renamed, tensor));
        }
        GgufModel model = new GgufModel(file.withoutMetadata(), config, tensors);
        model.requireShapes();
        return model;
    }

    /**
     * The tokenizer of a file, its chat template included, without the weights.
     *
     * @throws ModelFormatException when the file is missing or damaged, or carries a tokenizer that is not supported
     */
    public static Tokenizer tokenizer(Path path) {
        return GgufTokenizer.read(GgufFile.open(path));
    }

    /** The file's own tokenizer, its chat template included; read anew with each call. */
    public Tokenizer tokenizer() {
        return tokenizer(file.path());
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(tensors.keySet());
    }

    @Override
    public long[] shape(String name) {
        return tensor(name).shape().stream().mapToLong(Long::longValue).toArray();
    }

    @Override
    public void readRows(String name, long firstRow, long rowCount, FloatBuffer target) {
        GgufTensor tensor = tensor(name);
        long columns = tensor.columns();
        long rows = tensor.elements() / columns;
        if (firstRow < 0 || rowCount < 0 || rowCount > rows - firstRow) {
            throw new IllegalArgumentException("rows " + firstRow + " to " + (firstRow + rowCount)
                    + " are outside tensor " + name + ", which has " + rows);
        }
        if (rowCount > 0 && target.remaining() / columns < rowCount) {
            throw new IllegalArgumentException(
                    rowCount + " rows of " + columns + " elements do not fit into " + target.remaining());
        }
        if (!isRotary(name)) {
            file.read(tensor, firstRow * columns, rowCount * columns, target);
            return;
        }
        if (tensor.shape().size() == 1) {
            readRotaryBias(tensor, target);
            return;
        }
        for (long row = firstRow; row < firstRow + rowCount; row++) {
            file.read(tensor, interleaved(row) * columns, columns, target);
        }
    }

    /** Nothing to do: the mapping goes with the object. */
    @Override
    public void close() {}

    /** A bias is one row, and its elements stand where the rows of its matrix do. */
    private void readRotaryBias(GgufTensor tensor, FloatBuffer target) {
        FloatBuffer values = FloatBuffer.allocate((int) tensor.elements());
        file.read(tensor, 0, tensor.elements(), values);
        for (int i = 0; i < values.capacity(); i++) {
            target.put(values.get((int) interleaved(i)));
        }
    }

    /** Where the file keeps row {@code row} of a query or key matrix. */
    private long interleaved(long row) {
        long head = row / config.headDim();
        long inHead = row % config.headDim();
        long half = config.headDim() / 2;
        return head * config.headDim() + inHead % half * 2 + inHead / half;
    }

    private static boolean isRotary(String name) {
        return name.contains(".self_attn.q_proj.") || name.contains(".self_attn.k_proj.");
    }

    private GgufTensor tensor(String name) {
        GgufTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw GgufFile.problem(file.path(), "has no tensor for " + name);
        }
        return tensor;
    }

    private void requireShapes() {
        int hidden = config.hiddenSize();
        int queries = config.headCount() * config.headDim();
        int keys = config.kvHeadCount() * config.headDim();
        requireShape("model.embed_tokens.weight", config.vocabSize(), hidden);
        requireShape("model.norm.weight", hidden);
        if (!config.tiedEmbeddings()) {
            requireShape("lm_head.weight", config.vocabSize(), hidden);
        }
        for (int layer = 0; layer < config.layerCount(); layer++) {
            String prefix = "model.layers." + layer + ".";
            requireShape(prefix + "input_layernorm.weight", hidden);
            requireShape(prefix + "self_attn.q_proj.weight", queries, hidden);
            requireShape(prefix + "self_attn.k_proj.weight", keys, hidden);
            requireShape(prefix + "self_attn.v_proj.weight", keys, hidden);
            requireShape(prefix + "self_attn.o_proj.weight", hidden, queries);
            requireShape(prefix + "post_attention_layernorm.weight", hidden);
            requireShape(prefix + "mlp.gate_proj.weight", config.intermediateSize(), hidden);
            requireShape(prefix + "mlp.up_proj.weight", config.intermediateSize(), hidden);
            requireShape(prefix + "mlp.down_proj.weight", hidden, config.intermediateSize());
            requireBias(prefix + "self_attn.q_proj.bias", queries);
            requireBias(prefix + "self_attn.k_proj.bias", keys);
        }
    }

    private void requireBias(String name, int length) {
        if (tensors.containsKey(name)) {
            requireShape(name, length);
        }
    }

    private void requireShape(String name, long... expected) {
        GgufTensor tensor = tensor(name);
        if (!Arrays.equals(shape(name), expected)) {
            throw GgufFile.problem(
                    file.path(),
                    "tensor '" + tensor.name() + "' has the shape " + tensor.shape() + ", expected "
                            + Arrays.toString(expected));
        }
    }
}
