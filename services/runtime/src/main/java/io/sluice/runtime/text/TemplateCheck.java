package io.sluice.runtime.text;

import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds in a template what the engine would pass over in silence, and so render wrongly. */
final class TemplateCheck {
    private static final Pattern TAG = Pattern.compile("\\{\\{(.*?)\\}\\}|\\{%(.*?)%\\}", Pattern.DOTALL);
    private static final Pattern LITERAL =
            Pattern.compile("'(?:[^'\\\\]|\\\\.)*+'|\"(?:[^\"\\\\]|\\\\.)*+\"", Pattern.DOTALL);
    private static final Pattern FILTER = Pattern.compile("(?<!\\|)\\|\\s*([A-Za-z_]\\w*)");
    private static final Pattern FILTERED_LOOP =
            Pattern.compile("^-?\\s*for\\s.*\\sin\\s(?!.*\\selse\\s).*\\sif\\s.*", Pattern.DOTALL);

    private TemplateCheck() {}

    /** What is wrong with the template, if anything. */
    static Optional<String> problem(String source, Predicate<String> isFilter) {
        Matcher tags = TAG.matcher(source);
        while (tags.find()) {
            String tag = LITERAL.matcher(tags.group(1) != null ? tags.group(1) : tags.group(2))
                    .replaceAll("''");
            if (tags.group(2) != null && FILTERED_LOOP.matcher(tag).matches()) {
                return Optional.of("'for … in … if …' is not supported");
            }
            Matcher filters = FILTER.matcher(tag);
            while (filters.find()) {
                if (!isFilter.test(filters.group(1))) {
                    return Optional.of("there is no filter '" + filters.group(1) + "'");
                }
            }
        }
        return Optional.empty();
    }
}
