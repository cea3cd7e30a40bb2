package io.sluice.launcher.plan;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a share such as {@code 2%} or {@code 0.02}. */
final class GapConverter implements ITypeConverter<Double> {
    @Override
    public Double convert(String text) {
        String trimmed = text.trim();
        boolean percent = trimmed.endsWith("%");
        try {
            double value = Double.parseDouble(percent ? trimmed.substring(0, trimmed.length() - 1) : trimmed);
            double share = percent ? value / 100 : value;
            if (share >= 0 && share <= 10) {
                return share;
            }
        } catch (NumberFormatException e) {
            throw new TypeConversionException(message(text));
        }
        throw new TypeConversionException(message(text));
    }

    private static String message(String text) {
        return "'" + text + "' must be a share such as 2% or 0.02";
    }
}
