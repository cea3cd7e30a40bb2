package io.sluice.runtime.text;

import com.hubspot.jinjava.el.JinjavaInterpreterResolver;
import com.hubspot.jinjava.objects.collections.PyList;
import java.beans.FeatureDescriptor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import jinjava.javax.el.CompositeELResolver;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELException;
import jinjava.javax.el.ELResolver;

/**
 * Gives strings in templates Python's methods instead of Java's, which have other names, other results, or reach
 * further than a template should. A method that is not here is an error.
 */
final class PythonStringMethods extends ELResolver {

    static ELResolver inFrontOfDefaults() {
        CompositeELResolver resolver = new CompositeELResolver();
        resolver.add(new PythonStringMethods());
        resolver.add(JinjavaInterpreterResolver.DEFAULT_RESOLVER_READ_ONLY);
        return resolver;
    }

    @Override
    public Object invoke(ELContext context, Object base, Object method, Class<?>[] types, Object[] arguments) {
        if (!(base instanceof String text)) {
            return null;
        }
        Object result = call(text, String.valueOf(method), arguments == null ? new Object[0] : arguments);
        context.setPropertyResolved(true);
        return result;
    }

    private static Object call(String text, String method, Object[] arguments) {
        String first = arguments.length > 0 && arguments[0] != null ? arguments[0].toString() : null;
        String second = arguments.length > 1 && arguments[1] != null ? arguments[1].toString() : null;
        return switch (method) {
            case "strip" -> strip(text, first, true, true);
            case "lstrip" -> strip(text, first, true, false);
            case "rstrip" -> strip(text, first, false, true);
            case "upper" -> text.toUpperCase(Locale.ROOT);
            case "lower" -> text.toLowerCase(Locale.ROOT);
            case "capitalize" ->
                text.isEmpty()
                        ? text
                        : text.substring(0, 1).toUpperCase(Locale.ROOT)
                                + text.substring(1).toLowerCase(Locale.ROOT);
            case "title" -> title(text);
            case "startswith" -> text.startsWith(require(first, method));
            case "endswith" -> text.endsWith(require(first, method));
            case "find" -> (long) text.indexOf(require(first, method));
            case "count" ->
                (long) split(text, require(first, method), Integer.MAX_VALUE).size() - 1;
            case "replace" -> text.replace(require(first, method), require(second, method));
            case "split" ->
                new PyList(split(text, first, second == null ? Integer.MAX_VALUE : Integer.parseInt(second)));
            case "splitlines" -> new PyList(new ArrayList<Object>(text.lines().toList()));
            case "join" -> join(text, arguments);
            case "isdigit" -> !text.isEmpty() && text.chars().allMatch(Character::isDigit);
            default -> throw new ELException("strings have no method '" + method + "'");
        };
    }

    private static String require(String argument, String method) {
        if (argument == null) {
            throw new ELException("the string method '" + method + "' lacks an argument");
        }
        return argument;
    }

    private static String strip(String text, String characters, boolean left, boolean right) {
        int from = 0;
        int end = text.length();
        while (left && from < end && strips(characters, text.charAt(from))) {
            from++;
        }
        while (right && end > from && strips(characters, text.charAt(end - 1))) {
            end--;
        }
        return text.substring(from, end);
    }

    private static boolean strips(String characters, char character) {
        return characters == null
                ? Character.isWhitespace(character) || Character.isSpaceChar(character) || character == '\u0085'
                : characters.indexOf(character) >= 0;
    }

    private static List<Object> split(String text, String separator, int most) {
        if (separator == null) {
            return new ArrayList<>(Arrays.stream(text.split("\\s+"))
                    .filter(part -> !part.isEmpty())
                    .toList());
        }
        if (separator.isEmpty()) {
            throw new ELException("a string cannot be split at an empty separator");
        }
        List<Object> parts = new ArrayList<>();
        int from = 0;
        for (int at = text.indexOf(separator); at >= 0 && parts.size() < most; at = text.indexOf(separator, from)) {
            parts.add(text.substring(from, at));
            from = at + separator.length();
        }
        parts.add(text.substring(from));
        return parts;
    }

    private static String title(String text) {
        StringBuilder out = new StringBuilder();
        boolean inWord = false;
        for (int i = 0; i < text.length(); i++) {
            char character = text.charAt(i);
            out.append(inWord ? Character.toLowerCase(character) : Character.toUpperCase(character));
            inWord = Character.isLetter(character);
        }
        return out.toString();
    }

    private static String join(String separator, Object[] arguments) {
        if (arguments.length != 1 || !(arguments[0] instanceof Iterable<?> parts)) {
            throw new ELException("the string method 'join' takes one list");
        }
        List<String> texts = new ArrayList<>();
        parts.forEach(part -> texts.add(String.valueOf(part)));
        return String.join(separator, texts);
    }

    @Override
    public Object getValue(ELContext context, Object base, Object property) {
        return null;
    }

    @Override
    public Class<?> getType(ELContext context, Object base, Object property) {
        return null;
    }

    @Override
    public void setValue(ELContext context, Object base, Object property, Object value) {}

    @Override
    public boolean isReadOnly(ELContext context, Object base, Object property) {
        return true;
    }

    @Override
    public Iterator<FeatureDescriptor> getFeatureDescriptors(ELContext context, Object base) {
        return List.<FeatureDescriptor>of().iterator();
    }

    @Override
    public Class<?> getCommonPropertyType(ELContext context, Object base) {
        return null;
    }
}
