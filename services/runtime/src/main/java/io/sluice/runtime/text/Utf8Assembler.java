package io.sluice.runtime.text;

/**
 * Decodes UTF-8 that arrives in pieces: a character is written as soon as its last byte is there, and U+FFFD for each
 * maximal run of bytes that can no longer become one (the WHATWG Encoding standard's decoder, as browsers, Rust and
 * Java do it). Not thread-safe.
 */
final class Utf8Assembler {
    private static final char REPLACEMENT = '\uFFFD';

    private int codePoint;
    private int needed;
    private int lower = 0x80;
    private int upper = 0xBF;

    void append(byte[] bytes, StringBuilder out) {
        for (byte raw : bytes) {
            int value = raw & 0xFF;
            if (needed > 0 && (value < lower || value > upper)) {
                reset();
                out.append(REPLACEMENT);
            }
            if (needed > 0) {
                continueCharacter(value, out);
            } else {
                beginCharacter(value, out);
            }
        }
    }

    /** Writes U+FFFD when a character is incomplete, and begins anew. */
    void finish(StringBuilder out) {
        if (needed > 0) {
            out.append(REPLACEMENT);
        }
        reset();
    }

    private void beginCharacter(int value, StringBuilder out) {
        if (value < 0x80) {
            out.append((char) value);
        } else if (value >= 0xC2 && value <= 0xDF) {
            needed = 1;
            codePoint = value & 0x1F;
        } else if (value >= 0xE0 && value <= 0xEF) {
            // Bounds of the second byte keep out overlong forms and surrogates.
            lower = value == 0xE0 ? 0xA0 : 0x80;
            upper = value == 0xED ? 0x9F : 0xBF;
            needed = 2;
            codePoint = value & 0x0F;
        } else if (value >= 0xF0 && value <= 0xF4) {
            lower = value == 0xF0 ? 0x90 : 0x80;
            upper = value == 0xF4 ? 0x8F : 0xBF;
            needed = 3;
            codePoint = value & 0x07;
        } else {
            out.append(REPLACEMENT);
        }
    }

    private void continueCharacter(int value, StringBuilder out) {
        lower = 0x80;
        upper = 0xBF;
        codePoint = codePoint << 6 | value & 0x3F;
        needed--;
        if (needed == 0) {
            out.appendCodePoint(codePoint);
            codePoint = 0;
        }
    }

    private void reset() {
        needed = 0;
        codePoint = 0;
        lower = 0x80;
        upper = 0xBF;
    }
}
