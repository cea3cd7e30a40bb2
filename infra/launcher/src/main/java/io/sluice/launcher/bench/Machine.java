package io.sluice.launcher.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Describes the machine a figure was seen on. */
final class Machine {
    private Machine() {}

    /** Processor, cores, memory, kernel and JVM, in a stable order. */
    static Map<String, Object> describe() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("cpu", procField("/proc/cpuinfo", "model name", System.getProperty("os.arch")));
        json.put("cores", Runtime.getRuntime().availableProcessors());
        json.put("memory", procField("/proc/meminfo", "MemTotal", "unknown"));
        json.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        json.put("java", System.getProperty("java.vm.vendor") + " " + Runtime.version());
        json.put("load_1min_at_start", loadAverage());
        return json;
    }

    private static double loadAverage() {
        return java.lang.management.ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    }

    private static String procField(String file, String field, String fallback) {
        try {
            return Files.readAllLines(Path.of(file)).stream()
                    .filter(line -> line.startsWith(field))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse(fallback);
        } catch (IOException e) {
            return fallback;
        }
    }
}
