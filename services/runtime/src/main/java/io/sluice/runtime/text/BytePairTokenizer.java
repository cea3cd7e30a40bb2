package io.sluice.runtime.text;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedSet;
import java.util.function.IntConsumer;

/**
 * Byte-level BPE tokenizer in plain Java: GPT-2, Llama 3, SmolLM, Qwen 2 and their kin. It gives the ids that Hugging
 * Face's {@code tokenizers} gives for the same definition. Thread-safe.
 */
public final class BytePairTokenizer implements Tokenizer {
    private static final byte[] NOTHING = {};

    private final int[] before;
    private final int[] after;
    private final Optional<Normalizer.Form> normalization;
    private final boolean prefixSpace;
    private final BytePairVocabulary.Roles roles;
    private final byte[][] bytes;
    private final AddedTokens addedToRaw;
    private final AddedTokens addedToNormalized;
    private final WordSplitter splitter;
    private final BytePairEncoder encoder;

    /** @throws IllegalArgumentException when the vocabulary contradicts itself, naming the token */
    public BytePairTokenizer(BytePairVocabulary vocabulary, BytePairVocabulary.Roles roles) {
        // The lists of strings are not kept: they are many times larger than what is made of them.
        before = vocabulary.before().stream().mapToInt(Integer::intValue).toArray();
        after = vocabulary.after().stream().mapToInt(Integer::intValue).toArray();
        normalization = vocabulary.normalization();
        prefixSpace = vocabulary.prefixSpace();
        this.roles = roles;
        Map<String, Integer> ids = HashMap.newHashMap(vocabulary.tokens().size());
        int size = vocabulary.tokens().size();
        for (int id = 0; id < size; id++) {
            if (vocabulary.tokens().get(id) != null) {
                ids.putIfAbsent(vocabulary.tokens().get(id), id);
            }
        }
        for (AddedToken token : vocabulary.added()) {
            size = Math.max(size, token.id() + 1);
        }
        bytes = tokenBytes(vocabulary, size);
        requireIds("before the text", vocabulary.before());
        requireIds("after the text", vocabulary.after());
        requireIds("end of sequence", roles.eos());
        roles.bos().ifPresent(bos -> requireIds("beginning of sequence", List.of(bos)));
        addedToRaw = new AddedTokens(
                vocabulary.added().stream().filter(token -> !token.normalized()).toList());
        addedToNormalized = new AddedTokens(
                vocabulary.added().stream().filter(AddedToken::normalized).toList());
        splitter = new WordSplitter(vocabulary.patterns());
        encoder = new BytePairEncoder(
                byteTokens(ids), mergeTable(vocabulary, ids), vocabulary.wholeWords() ? ids : Map.of());
    }

    @Override
    public int[] encode(String text) {
        IntList ids = new IntList();
        Arrays.stream(before).forEach(ids::add);
        encodeText(text, ids::add);
        Arrays.stream(after).forEach(ids::add);
        return ids.toArray();
    }

    @Override
    public int[] encodeRendered(String text) {
        IntList ids = new IntList();
        encodeText(text, ids::add);
        return ids.toArray();
    }

    private void encodeText(String text, IntConsumer out) {
        addedToRaw.split(
                withoutLoneSurrogates(text),
                raw -> addedToNormalized.split(normalize(raw), piece -> encodePiece(piece, out), out),
                out);
    }

    private void encodePiece(String piece, IntConsumer out) {
        String text = prefixSpace && !piece.startsWith(" ") ? " " + piece : piece;
        splitter.split(text, word -> encoder.encode(word, out));
    }

    private String normalize(String text) {
        return normalization.isEmpty() ? text : Normalizer.normalize(text, normalization.get());
    }

    /** UTF-8 has no lone surrogates; they become U+FFFD, where Java's own encoder would write a question mark. */
    private static String withoutLoneSurrogates(String text) {
        if (text.chars().noneMatch(unit -> Character.isSurrogate((char) unit))) {
            return text;
        }
        StringBuilder clean = new StringBuilder(text.length());
        text.codePoints()
                .map(point -> point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE ? 0xFFFD : point)
                .forEach(clean::appendCodePoint);
        return clean.toString();
    }

    @Override
    public String decode(int[] ids) {
        StringBuilder text = new StringBuilder();
        Utf8Assembler assembler = new Utf8Assembler();
        for (int id : ids) {
            assembler.append(bytesOf(id), text);
        }
        assembler.finish(text);
        return text.toString();
    }

    @Override
    public int vocabSize() {
        return bytes.length;
    }

    @Override
    public OptionalInt bos() {
        return roles.bos();
    }

    @Override
    public SortedSet<Integer> eos() {
        return roles.eos();
    }

    @Override
    public Optional<ChatTemplate> chatTemplate() {
        return roles.chatTemplate();
    }

    @Override
    public TokenStream stream() {
        Utf8Assembler assembler = new Utf8Assembler();
        return new TokenStream() {
            @Override
            public String append(int id) {
                StringBuilder text = new StringBuilder();
                assembler.append(bytesOf(id), text);
                return text.toString();
            }

            @Override
            public String finish() {
                StringBuilder text = new StringBuilder();
                assembler.finish(text);
                return text.toString();
            }
        };
    }

    private byte[] bytesOf(int id) {
        if (id < 0 || id >= bytes.length) {
            throw new IllegalArgumentException("token id " + id + " is outside the vocabulary of " + bytes.length);
        }
        return bytes[id];
    }

    private void requireIds(String role, Iterable<Integer> ids) {
        for (int id : ids) {
            if (id < 0 || id >= bytes.length) {
                throw new IllegalArgumentException(
                        "the token for " + role + " is " + id + ", outside the vocabulary of " + bytes.length);
            }
        }
    }

    private static byte[][] tokenBytes(BytePairVocabulary vocabulary, int size) {
        byte[][] bytes = new byte[size][];
        Arrays.fill(bytes, NOTHING);
        for (int id = 0; id < vocabulary.tokens().size(); id++) {
            String token = vocabulary.tokens().get(id);
            if (token != null) {
                byte[] spelled = ByteAlphabet.bytesOf(token);
                bytes[id] = spelled != null ? spelled : token.getBytes(StandardCharsets.UTF_8);
            }
        }
        for (AddedToken token : vocabulary.added()) {
            bytes[token.id()] = token.special() ? NOTHING : token.content().getBytes(StandardCharsets.UTF_8);
        }
        return bytes;
    }

    private static int[] byteTokens(Map<String, Integer> ids) {
        int[] tokens = new int[256];
        for (int value = 0; value < 256; value++) {
            tokens[value] = ids.getOrDefault(String.valueOf(ByteAlphabet.characterOf(value)), -1);
        }
        return tokens;
    }

    private static MergeTable mergeTable(BytePairVocabulary vocabulary, Map<String, Integer> ids) {
        MergeTable table = new MergeTable(vocabulary.merges().size());
        int rank = 0;
        for (String merge : vocabulary.merges()) {
            int space = merge.indexOf(' ', 1);
            if (space < 0 || space == merge.length() - 1) {
                throw new IllegalArgumentException(
                        "merge " + rank + " '" + merge + "' is not two tokens with a space between");
            }
            String left = merge.substring(0, space);
            String right = merge.substring(space + 1);
            table.add(require(ids, left, merge), require(ids, right, merge), rank++, require(ids, left + right, merge));
        }
        return table;
    }

    private static int require(Map<String, Integer> ids, String token, String merge) {
        Integer id = ids.get(token);
        if (id == null) {
            throw new IllegalArgumentException(
                    "merge '" + merge + "' needs the token '" + token + "', which is not there");
        }
        return id;
    }

    /** A growing array of ids. */
    private static final class IntList {
        private int[] values = new int[16];
        private int size;

        void add(int value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, size * 2);
            }
            values[size++] = value;
        }

        int[] toArray() {
            return Arrays.copyOf(values, size);
        }
    }
}
