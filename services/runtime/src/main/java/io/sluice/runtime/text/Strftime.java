package io.sluice.runtime.text;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;

/** Formats times as C's {@code strftime} does in the C locale; the codes that chat templates use. */
final class Strftime {
    private static final Map<Character, String> PATTERNS = Map.ofEntries(
            Map.entry('Y', "yyyy"),
            Map.entry('y', "yy"),
            Map.entry('m', "MM"),
            Map.entry('B', "MMMM"),
            Map.entry('b', "MMM"),
            Map.entry('d', "dd"),
            Map.entry('j', "DDD"),
            Map.entry('A', "EEEE"),
            Map.entry('a', "EEE"),
            Map.entry('H', "HH"),
            Map.entry('I', "hh"),
            Map.entry('M', "mm"),
            Map.entry('S', "ss"),
            Map.entry('p', "a"),
            Map.entry('F', "yyyy-MM-dd"),
            Map.entry('T', "HH:mm:ss"),
            Map.entry('Z', "zzz"),
            Map.entry('z', "xx"));

    private Strftime() {}

    /** @throws IllegalArgumentException for a code that is not known */
    static String format(String format, ZonedDateTime time) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char character = format.charAt(i);
            if (character != '%' || i + 1 == format.length()) {
                out.append(character);
                continue;
            }
            boolean unpadded = format.charAt(i + 1) == '-' && i + 2 < format.length();
            i += unpadded ? 2 : 1;
            char code = format.charAt(i);
            if (code == '%') {
                out.append('%');
                continue;
            }
            String pattern = PATTERNS.get(code);
            if (pattern == null) {
                throw new IllegalArgumentException("strftime code %" + code + " is not known");
            }
            String text = DateTimeFormatter.ofPattern(pattern, Locale.US).format(time);
            out.append(unpadded ? text.replaceFirst("^0+(?=.)", "") : text);
        }
        return out.toString();
    }
}
