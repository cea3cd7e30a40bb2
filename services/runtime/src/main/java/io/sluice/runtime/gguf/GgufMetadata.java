package io.sluice.runtime.gguf;

import io.sluice.runtime.ModelFormatException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The key-value metadata of a GGUF file. Whole numbers of any width are {@link Long}, fractions {@link Double}; arrays
 * are {@code long[]}, {@code double[]}, {@code boolean[]}, lists of strings, or lists of arrays. Immutable by
 * convention: callers must not write to the arrays.
 */
public final class GgufMetadata {
    private static final int MAX_ARRAY_DEPTH = 4;

    private final Path file;
    private final Map<String, Object> values;

    private GgufMetadata(Path file, Map<String, Object> values) {
        this.file = file;
        this.values = Collections.unmodifiableMap(values);
    }

    static GgufMetadata none(Path file) {
        return new GgufMetadata(file, Map.of());
    }

    static GgufMetadata read(Path file, GgufCursor in, int count) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            String key = in.readString("the key of metadata entry " + i);
            Object value = value(file, in, in.readUnsignedInt("the type of '" + key + "'"), key, 0);
            if (values.put(key, value) != null) {
                throw GgufFile.problem(file, "metadata key '" + key + "' appears twice");
            }
        }
        return new GgufMetadata(file, values);
    }

    public Set<String> keys() {
        return values.keySet();
    }

    public boolean has(String key) {
        return values.containsKey(key);
    }

    public Optional<String> string(String key) {
        return get(key, String.class, "a string");
    }

    public Optional<Boolean> flag(String key) {
        return get(key, Boolean.class, "true or false");
    }

    public Optional<Double> number(String key) {
        Object value = values.get(key);
        return value instanceof Long whole ? Optional.of(whole.doubleValue()) : get(key, Double.class, "a number");
    }

    /** A whole number in {@code [least, most]}. */
    public Optional<Integer> integer(String key, int least, int most) {
        return get(key, Long.class, "a whole number").map(value -> {
            if (value < least || value > most) {
                throw GgufFile.problem(
                        file, "metadata '" + key + "' is " + value + ", expected " + least + " to " + most);
            }
            return value.intValue();
        });
    }

    @SuppressWarnings("unchecked") // lists hold strings or arrays only, and one kind each
    public Optional<List<String>> strings(String key) {
        Optional<List<?>> list = get(key, List.class, "an array of strings").map(found -> (List<?>) found);
        if (list.isPresent() && !list.get().isEmpty() && !(list.get().getFirst() instanceof String)) {
            throw GgufFile.problem(file, "metadata '" + key + "' is an array of arrays, expected an array of strings");
        }
        return list.map(found -> (List<String>) found);
    }

    public Optional<long[]> integers(String key) {
        return get(key, long[].class, "an array of whole numbers");
    }

    /** The value, or the error that it is missing. */
    <T> T required(String key, Optional<T> value) {
        return value.orElseThrow(() -> GgufFile.problem(file, "has no metadata '" + key + "'"));
    }

    ModelFormatException error(String problem) {
        return GgufFile.problem(file, problem);
    }

    private <T> Optional<T> get(String key, Class<T> type, String expected) {
        Object value = values.get(key);
        if (value == null) {
            return Optional.empty();
        }
        if (!type.isInstance(value)) {
            throw GgufFile.problem(file, "metadata '" + key + "' is " + describe(value) + ", expected " + expected);
        }
        return Optional.of(type.cast(value));
    }

    private static String describe(Object value) {
        return switch (value) {
            case String text -> "a string";
            case Long number -> "the whole number " + number;
            case Double number -> "the number " + number;
            case Boolean flag -> flag.toString();
            default -> "an array";
        };
    }

    private static Object value(Path file, GgufCursor in, long type, String key, int depth) {
        return switch ((int) Math.min(type, Integer.MAX_VALUE)) {
            case 0 -> (long) Byte.toUnsignedInt(in.readByte(key));
            case 1 -> (long) in.readByte(key);
            case 2 -> (long) Short.toUnsignedInt(in.readShort(key));
            case 3 -> (long) in.readShort(key);
            case 4 -> in.readUnsignedInt(key);
            case 5 -> (long) in.readInt(key);
            case 6 -> (double) in.readFloat(key);
            case 7 -> bool(file, in, key);
            case 8 -> in.readString(key);
            case 9 -> array(file, in, key, depth + 1);
            case 10, 11 -> in.readLong(key);
            case 12 -> in.readDouble(key);
            default -> throw GgufFile.problem(file, "metadata '" + key + "' has the unknown type " + type);
        };
    }

    private static boolean bool(Path file, GgufCursor in, String key) {
        byte value = in.readByte(key);
        if (value != 0 && value != 1) {
            throw GgufFile.problem(file, "metadata '" + key + "' holds " + value + " where true or false is expected");
        }
        return value == 1;
    }

    private static Object array(Path file, GgufCursor in, String key, int depth) {
        if (depth > MAX_ARRAY_DEPTH) {
            throw GgufFile.problem(file, "metadata '" + key + "' nests arrays deeper than " + MAX_ARRAY_DEPTH);
        }
        long type = in.readUnsignedInt("the element type of '" + key + "'");
        int least = type > 12 ? 1 : new int[] {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8}[(int) type];
        int count = in.readCount(least, "the element count of '" + key + "'");
        switch ((int) Math.min(type, Integer.MAX_VALUE)) {
            case 6, 12 -> {
                double[] numbers = new double[count];
                for (int i = 0; i < count; i++) {
                    numbers[i] = (Double) value(file, in, type, key, depth);
                }
                return numbers;
            }
            case 7 -> {
                boolean[] flags = new boolean[count];
                for (int i = 0; i < count; i++) {
                    flags[i] = bool(file, in, key);
                }
                return flags;
            }
            case 8, 9 -> {
                Object[] elements = new Object[count];
                for (int i = 0; i < count; i++) {
                    elements[i] = value(file, in, type, key, depth);
                }
                return List.of(elements);
            }
            default -> {
                long[] numbers = new long[count];
                for (int i = 0; i < count; i++) {
                    numbers[i] = (Long) value(file, in, type, key, depth);
                }
                return numbers;
            }
        }
    }
}
