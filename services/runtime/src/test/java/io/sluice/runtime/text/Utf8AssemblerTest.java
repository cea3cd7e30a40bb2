package io.sluice.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class Utf8AssemblerTest {
    private static final String MIXED = "a\u00e9\u20ac\ud83d\ude80\u0000\ufffd\ud7ff\ue000\udbff\udfff";

    @Test
    void shouldHoldBytesBackUntilACharacterIsComplete() {
        byte[] rocket = "\ud83d\ude80".getBytes(StandardCharsets.UTF_8);
        Utf8Assembler assembler = new Utf8Assembler();
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < 3; i++) {
            assembler.append(new byte[] {rocket[i]}, out);
            assertThat(out).isEmpty();
        }
        assembler.append(new byte[] {rocket[3]}, out);
        assertThat(out).hasToString("\ud83d\ude80");
        assembler.finish(out);
        assertThat(out).hasToString("\ud83d\ude80");
    }

    @Test
    void shouldReplaceBytesAsSoonAsTheyCanNoLongerBecomeACharacter() {
        Utf8Assembler assembler = new Utf8Assembler();
        StringBuilder out = new StringBuilder();
        assembler.append(new byte[] {(byte) 0xF0, (byte) 0x9F}, out);
        assertThat(out).isEmpty();
        assembler.append(new byte[] {'x'}, out);
        assertThat(out).hasToString("\ufffdx");
        assembler.append(new byte[] {(byte) 0xE2, (byte) 0x82}, out);
        assembler.finish(out);
        assertThat(out).hasToString("\ufffdx\ufffd");
    }

    /** The examples of the Unicode Standard, section 3.9, tables 3-8 to 3-11. */
    @Test
    void shouldReplaceMaximalSubparts() {
        assertThat(decode(0xC0, 0xAF, 0xE0, 0x80, 0xBF, 0xF0, 0x81, 0x82, 0x41)).isEqualTo("\ufffd".repeat(8) + "A");
        assertThat(decode(0xED, 0xA0, 0x80, 0xED, 0xBF, 0xBF, 0xED, 0xAF, 0x41)).isEqualTo("\ufffd".repeat(8) + "A");
        assertThat(decode(0xF4, 0x91, 0x92, 0x93, 0xFF, 0x41, 0x80, 0xBF, 0x42))
                .isEqualTo("\ufffd".repeat(5) + "A" + "\ufffd".repeat(2) + "B");
        assertThat(decode(0xE1, 0x80, 0xE2, 0xF0, 0x91, 0x92, 0xF1, 0xBF, 0x41)).isEqualTo("\ufffd".repeat(4) + "A");
    }

    /** Random bytes in random pieces give the same text as the whole, and as Java's decoder where that agrees. */
    @Test
    void shouldDecodeAnyBytesInAnyPiecesAsTheWhole() {
        SplittableRandom random = new SplittableRandom(11);
        byte[] valid = MIXED.repeat(3).getBytes(StandardCharsets.UTF_8);
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = valid.clone();
            int damage = random.nextInt(6);
            for (int i = 0; i < damage; i++) {
                bytes[random.nextInt(bytes.length)] = (byte) (random.nextBoolean() ? 0x80 + random.nextInt(128) : 'z');
            }
            bytes = Arrays.copyOfRange(bytes, random.nextInt(4), random.nextInt(4, bytes.length));
            Utf8Assembler assembler = new Utf8Assembler();
            StringBuilder out = new StringBuilder();
            for (int at = 0; at < bytes.length; ) {
                int end = Math.min(bytes.length, at + random.nextInt(1, 5));
                assembler.append(Arrays.copyOfRange(bytes, at, end), out);
                at = end;
            }
            assembler.finish(out);
            assertThat(out).hasToString(decode(bytes));
            if (hasNoSurrogate(bytes)) {
                assertThat(out).hasToString(new String(bytes, StandardCharsets.UTF_8));
            }
        }
    }

    /** Java writes one U+FFFD for the three bytes of a surrogate, the standard three. */
    private static boolean hasNoSurrogate(byte[] bytes) {
        for (int i = 0; i + 1 < bytes.length; i++) {
            if (bytes[i] == (byte) 0xED && (bytes[i + 1] & 0xFF) >= 0xA0) {
                return false;
            }
        }
        return true;
    }

    private static String decode(int... bytes) {
        byte[] narrow = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            narrow[i] = (byte) bytes[i];
        }
        return decode(narrow);
    }

    private static String decode(byte[] bytes) {
        Utf8Assembler assembler = new Utf8Assembler();
        StringBuilder out = new StringBuilder();
        assembler.append(bytes, out);
        assembler.finish(out);
        return out.toString();
    }
}
