package io.sluice.runtime.onnx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Builds a serialised ONNX ModelProto (field numbers of onnx.proto3, IR version 9, opset 21, plus ONNX Runtime's own
 * operators). A dimension of a value is a {@link Long}/{@link Integer} or, when free, a {@link String} that names it.
 */
final class OnnxGraph {
    static final int FLOAT = 1;
    static final int INT32 = 6;

    /** Domain of ONNX's own operators. */
    static final String STANDARD = "";
    /** Domain of ONNX Runtime's operators. */
    static final String MICROSOFT = "com.microsoft";

    private static final int IR_VERSION = 9;
    private static final int OPSET_VERSION = 21;
    private static final int ATTRIBUTE_FLOAT = 1;
    private static final int ATTRIBUTE_INT = 2;
    private static final int EXTERNAL = 1;

    private final List<ProtoWriter> nodes = new ArrayList<>();
    private final List<ProtoWriter> initializers = new ArrayList<>();
    private final List<ProtoWriter> inputs = new ArrayList<>();
    private final List<ProtoWriter> outputs = new ArrayList<>();

    OnnxGraph input(String name, int type, Object... dimensions) {
        inputs.add(value(name, type, dimensions));
        return this;
    }

    OnnxGraph output(String name, int type, Object... dimensions) {
        outputs.add(value(name, type, dimensions));
        return this;
    }

    /** A constant stored in the graph itself. */
    OnnxGraph constant(String name, float[] values) {
        ByteBuffer raw = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        raw.asFloatBuffer().put(values);
        initializers.add(new ProtoWriter()
                .integer(1, values.length)
                .integer(2, FLOAT)
                .text(8, name)
                .bytes(9, raw.array()));
        return this;
    }

    /** A constant whose values are handed to the session when it is made. */
    OnnxGraph external(String name, long... shape) {
        ProtoWriter tensor = new ProtoWriter();
        for (long dimension : shape) {
            tensor.integer(1, dimension);
        }
        tensor.integer(2, FLOAT)
                .text(8, name)
                .message(13, new ProtoWriter().text(1, "location").text(2, "given"))
                .integer(14, EXTERNAL);
        initializers.add(tensor);
        return this;
    }

    /**
     * Adds an operator.
     *
     * @param attributes integers ({@link Integer}) and reals ({@link Float}) by name
     */
    OnnxGraph node(
            String operator,
            String domain,
            List<String> from,
            List<String> to,
            Map<String, ? extends Number> attributes) {
        ProtoWriter node = new ProtoWriter();
        from.forEach(name -> node.text(1, name));
        to.forEach(name -> node.text(2, name));
        node.text(3, to.getFirst()).text(4, operator);
        attributes.forEach((name, value) -> node.message(5, attribute(name, value)));
        node.text(7, domain);
        nodes.add(node);
        return this;
    }

    byte[] toModel() {
        ProtoWriter graph = new ProtoWriter();
        nodes.forEach(node -> graph.message(1, node));
        graph.text(2, "sluice");
        initializers.forEach(initializer -> graph.message(5, initializer));
        inputs.forEach(input -> graph.message(11, input));
        outputs.forEach(output -> graph.message(12, output));
        return new ProtoWriter()
                .integer(1, IR_VERSION)
                .text(2, "sluice")
                .message(7, graph)
                .message(8, opset(STANDARD, OPSET_VERSION))
                .message(8, opset(MICROSOFT, 1))
                .toByteArray();
    }

    private static ProtoWriter opset(String domain, int version) {
        return new ProtoWriter().text(1, domain).integer(2, version);
    }

    private static ProtoWriter attribute(String name, Number value) {
        ProtoWriter attribute = new ProtoWriter().text(1, name);
        return value instanceof Float real
                ? attribute.real(2, real).integer(20, ATTRIBUTE_FLOAT)
                : attribute.integer(3, value.longValue()).integer(20, ATTRIBUTE_INT);
    }

    private static ProtoWriter value(String name, int type, Object... dimensions) {
        ProtoWriter shape = new ProtoWriter();
        for (Object dimension : dimensions) {
            shape.message(
                    1,
                    dimension instanceof Number number
                            ? new ProtoWriter().integer(1, number.longValue())
                            : new ProtoWriter().text(2, dimension.toString()));
        }
        ProtoWriter tensor = new ProtoWriter().integer(1, type).message(2, shape);
        return new ProtoWriter().text(1, name).message(2, new ProtoWriter().message(1, tensor));
    }
}
