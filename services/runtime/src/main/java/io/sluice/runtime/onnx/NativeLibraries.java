package io.sluice.runtime.onnx;

import ai.onnxruntime.OrtEnvironment;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Unpacks ONNX Runtime's native libraries once per user instead of once per process: workers of one machine then share
 * the pages, start faster, and leave no 28 MB behind in the temporary folder when they are killed. Where that does not
 * work out, ONNX Runtime unpacks them its own way. {@code -Dsluice.native.dir} names another folder than
 * {@code ~/.cache/sluice}.
 */
final class NativeLibraries {
    private static final Logger log = LoggerFactory.getLogger(NativeLibraries.class);
    private static final String PATH_PROPERTY = "onnxruntime.native.path";
    private static final List<String> NAMES = List.of("libonnxruntime.so", "libonnxruntime4j_jni.so");

    private NativeLibraries() {}

    /** Must run before ONNX Runtime's classes are first used. */
    static void unpackOnce() {
        String platform = platform();
        if (System.getProperty(PATH_PROPERTY) != null || platform == null) {
            return;
        }
        try {
            Path home = Path.of(System.getProperty(
                    "sluice.native.dir",
                    Path.of(System.getProperty("user.home"), ".cache", "sluice").toString()));
            System.setProperty(PATH_PROPERTY, unpack(home, platform).toString());
        } catch (IOException | RuntimeException e) {
            log.info("event=native_libraries_not_cached reason=\"{}\"", e.toString());
        }
    }

    static Path unpack(Path home, String platform) throws IOException {
        List<URL> sources = new ArrayList<>();
        StringBuilder version = new StringBuilder("onnxruntime-" + platform);
        for (String name : NAMES) {
            URL url = OrtEnvironment.class.getResource("native/" + platform + "/" + name);
            if (url == null) {
                throw new IOException("no native library " + name + " for " + platform);
            }
            sources.add(url);
            version.append('-').append(Long.toHexString(url.openConnection().getContentLengthLong()));
        }
        Path folder = Files.createDirectories(home.resolve(version.toString()));
        for (int i = 0; i < NAMES.size(); i++) {
            Path target = folder.resolve(NAMES.get(i));
            long bytes = sources.get(i).openConnection().getContentLengthLong();
            if (!Files.isRegularFile(target) || Files.size(target) != bytes) {
                // Several processes may do this at once; the move makes each see a whole file.
                Path part = Files.createTempFile(folder, NAMES.get(i), ".part");
                try (InputStream in = sources.get(i).openStream()) {
                    Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
                    Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                } finally {
                    Files.deleteIfExists(part);
                }
            }
        }
        return folder;
    }

    private static String platform() {
        if (!System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux")) {
            return null;
        }
        return switch (System.getProperty("os.arch")) {
            case "amd64", "x86_64" -> "linux-x64";
            case "aarch64" -> "linux-aarch64";
            default -> null;
        };
    }
}
