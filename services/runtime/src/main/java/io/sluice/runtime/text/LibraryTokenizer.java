package io.sluice.runtime.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.sluice.runtime.ModelFormatException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedSet;

/**
 * Any tokenizer that Hugging Face's native {@code tokenizers} library reads, for definitions that
 * {@link BytePairTokenizer} does not follow (SentencePiece-like ones, for example). Thread-safe. Loading unpacks the
 * native library into a folder below {@code SLUICE_CACHE}, else below the temporary directory; the network is never
 * used.
 */
final class LibraryTokenizer implements Tokenizer {
    private static final char REPLACEMENT = '\uFFFD';

    private final HuggingFaceTokenizer library;
    private final int vocabSize;
    private final BytePairVocabulary.Roles roles;

    private LibraryTokenizer(HuggingFaceTokenizer library, int vocabSize, BytePairVocabulary.Roles roles) {
        this.library = library;
        this.vocabSize = vocabSize;
        this.roles = roles;
    }

    static LibraryTokenizer open(Path tokenizerJson, int vocabSize, BytePairVocabulary.Roles roles) {
        prepareNativeLibrary();
        // Without this the library cuts every text at 512 tokens.
        Map<String, String> options = Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "true");
        try (InputStream in = Files.newInputStream(tokenizerJson)) {
            return new LibraryTokenizer(HuggingFaceTokenizer.newInstance(in, options), vocabSize, roles);
        } catch (IOException | RuntimeException e) {
            throw new ModelFormatException(tokenizerJson + ": cannot be read as a tokenizer: " + e.getMessage(), e);
        }
    }

    /** Settings of the library are system properties; those that somebody has set stay. */
    private static void prepareNativeLibrary() {
        String temporary = System.getProperty("java.io.tmpdir") + "/sluice-" + System.getProperty("user.name");
        String cache = Optional.ofNullable(System.getenv("SLUICE_CACHE")).orElse(temporary);
        for (Map.Entry<String, String> setting : Map.of(
                        "DJL_CACHE_DIR", cache,
                        "ENGINE_CACHE_DIR", cache,
                        "ai.djl.offline", "true",
                        "RUST_FLAVOR", "cpu",
                        "OPT_OUT_TRACKING", "true")
                .entrySet()) {
            if (System.getenv(setting.getKey()) == null && System.getProperty(setting.getKey()) == null) {
                System.setProperty(setting.getKey(), setting.getValue());
            }
        }
    }

    @Override
    public int[] encode(String text) {
        return ids(text, true);
    }

    @Override
    public int[] encodeRendered(String text) {
        return ids(text, false);
    }

    private int[] ids(String text, boolean around) {
        return Arrays.stream(library.encode(text, around, false).getIds())
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    @Override
    public String decode(int[] ids) {
        return decode(ids, 0, ids.length);
    }

    private String decode(int[] ids, int from, int end) {
        long[] wide = new long[end - from];
        for (int i = from; i < end; i++) {
            if (ids[i] < 0 || ids[i] >= vocabSize) {
                throw new IllegalArgumentException("token id " + ids[i] + " is outside the vocabulary of " + vocabSize);
            }
            wide[i - from] = ids[i];
        }
        return wide.length == 0 ? "" : library.decode(wide, true);
    }

    @Override
    public int vocabSize() {
        return vocabSize;
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
        return new WindowedStream();
    }

    @Override
    public void close() {
        library.close();
    }

    /**
     * The library decodes whole sequences only, and the text of a token can depend on the ones before it; so each step
     * decodes a window twice, without and with the new tokens, and gives out the difference once it ends in a
     * character.
     */
    private final class WindowedStream implements TokenStream {
        private int[] ids = new int[16];
        private int windowStart;
        private int given;
        private int size;

        @Override
        public String append(int id) {
            if (size == ids.length) {
                ids = Arrays.copyOf(ids, size * 2);
            }
            ids[size++] = id;
            return next(false);
        }

        @Override
        public String finish() {
            return next(true);
        }

        private String next(boolean last) {
            String before = decode(ids, windowStart, given);
            String after = decode(ids, windowStart, size);
            boolean complete = last || !after.isEmpty() && after.charAt(after.length() - 1) != REPLACEMENT || tooLong();
            if (!complete || after.length() <= before.length()) {
                return "";
            }
            windowStart = given;
            given = size;
            return after.substring(before.length());
        }

        /** Four tokens hold at least four bytes, so a character that is not complete by then never will be. */
        private boolean tooLong() {
            return size - given > 4;
        }
    }
}
