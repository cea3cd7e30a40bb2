package io.sluice.launcher;

import io.sluice.runtime.ActivationChoice;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code auto}, {@code fp16}, {@code fp32} or {@code int8}. */
public final class ActivationConverter implements ITypeConverter<ActivationChoice> {
    @Override
    public ActivationChoice convert(String text) {
        try {
            return ActivationChoice.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
