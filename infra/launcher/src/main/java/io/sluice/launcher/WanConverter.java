package io.sluice.launcher;

import io.sluice.embedded.WanShape;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a wide-area network such as {@code 80ms,100mbit,jitter=5ms,loss=0.1%}. */
public final class WanConverter implements ITypeConverter<WanShape> {
    @Override
    public WanShape convert(String text) {
        try {
            return WanShape.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
