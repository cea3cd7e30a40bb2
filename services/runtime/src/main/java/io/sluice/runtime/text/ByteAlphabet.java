package io.sluice.runtime.text;

import java.util.Arrays;

/**
 * GPT-2's way to write any byte as a visible character, in which byte-level vocabularies spell their tokens: printable
 * Latin-1 stands for itself, the other 68 bytes are U+0100 and up in order.
 */
final class ByteAlphabet {
    private static final char[] CHARACTERS = new char[256];
    private static final short[] BYTES = new short[256 + 68];

    static {
        Arrays.fill(BYTES, (short) -1);
        int next = 256;
        for (int value = 0; value < 256; value++) {
            boolean visible =
                    value >= '!' && value <= '~' || value >= 0xA1 && value <= 0xAC || value >= 0xAE && value <= 0xFF;
            CHARACTERS[value] = (char) (visible ? value : next++);
            BYTES[CHARACTERS[value]] = (short) value;
        }
    }

    private ByteAlphabet() {}

    static char characterOf(int unsignedByte) {
        return CHARACTERS[unsignedByte];
    }

    /** The bytes a token spells, or null when it holds a character outside the alphabet. */
    static byte[] bytesOf(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            char character = token.charAt(i);
            if (character >= BYTES.length || BYTES[character] < 0) {
                return null;
            }
            bytes[i] = (byte) BYTES[character];
        }
        return bytes;
    }

    static String spell(byte[] bytes) {
        char[] characters = new char[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            characters[i] = CHARACTERS[bytes[i] & 0xFF];
        }
        return new String(characters);
    }
}
