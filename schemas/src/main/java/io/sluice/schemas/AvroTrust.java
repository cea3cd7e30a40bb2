package io.sluice.schemas;

import java.util.Map;
import org.apache.avro.util.ClassSecurityValidator;

/**
 * Prepares Avro for this JVM: trusts the generated classes, which Avro 1.12 refuses by default, and bounds what a
 * corrupt length may make it allocate. System properties that the user set win.
 */
final class AvroTrust {
    private static final String RECORDS = "io.sluice.records.";
    private static final Map<String, String> LIMITS = Map.of(
            "org.apache.avro.limits.bytes.maxLength", Integer.toString(16 << 20),
            "org.apache.avro.limits.string.maxLength", Integer.toString(16 << 20),
            "org.apache.avro.limits.collectionItems.maxLength", Integer.toString(4 << 20));

    static {
        LIMITS.forEach((key, value) -> {
            if (System.getProperty(key) == null) {
                System.setProperty(key, value);
            }
        });
        ClassSecurityValidator.setGlobal(ClassSecurityValidator.composite(
                ClassSecurityValidator.getGlobal(),
                type -> type.getName().startsWith(RECORDS) || type == String.class));
    }

    private AvroTrust() {}

    /** Takes effect once, when the class is initialised. */
    static void ensure() {
        // Running the static initialiser is the effect.
    }
}
