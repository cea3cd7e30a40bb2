package io.sluice.launcher;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.kafka.common.utils.AppInfoParser;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Prints the versions of Sluice and of what it stands on. */
@Command(name = "version", description = "Prints the versions.", mixinStandardHelpOptions = true)
final class VersionCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the versions to FILE as JSON, too.")
    private Path json;

    @Override
    public Integer call() {
        Map<String, String> versions = versions();
        versions.forEach((name, version) -> spec.commandLine().getOut().printf("%-8s %s%n", name, version));
        spec.commandLine().getOut().flush();
        JsonFile.write(json, versions);
        return 0;
    }

    private static Map<String, String> versions() {
        Map<String, String> versions = new LinkedHashMap<>();
        String own = VersionCommand.class.getPackage().getImplementationVersion();
        versions.put("sluice", own == null ? "development" : own);
        versions.put("kafka", AppInfoParser.getVersion());
        versions.put("flink", EnvironmentInformation.getVersion());
        versions.put("java", System.getProperty("java.vm.version"));
        return versions;
    }

    /** For {@code sluice --version}. */
    static final class Provider implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return versions().entrySet().stream()
                    .map(entry -> String.format("%-8s %s", entry.getKey(), entry.getValue()))
                    .toArray(String[]::new);
        }
    }
}
