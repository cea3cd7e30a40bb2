package io.sluice.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

final class CoreAffinityTest {
    @Test
    void shouldReadListsOfCores() {
        assertThat(CoreAffinity.parse(" 0-2,5 \n")).containsExactly(0, 1, 2, 5);
        assertThat(CoreAffinity.parse("3")).containsExactly(3);
    }

    @Test
    void shouldBindTheCallingThreadAloneToOneCore() throws Exception {
        List<Integer> cores = CoreAffinity.cores();
        assumeTrue(cores.size() > 1, "one core, or a system that does not say which there are");
        int last = cores.getLast();
        FutureTask<String> bound = new FutureTask<>(() -> {
            if (!CoreAffinity.bind(last) || !CoreAffinity.giveWay()) {
                return "";
            }
            return Files.readAllLines(Path.of("/proc/thread-self/status")).stream()
                    .filter(line -> line.startsWith("Cpus_allowed_list:"))
                    .findFirst()
                    .orElseThrow();
        });
        Thread.ofPlatform().start(bound);
        String allowed = bound.get();
        assumeTrue(!allowed.isEmpty(), "taskset or chrt is missing or forbidden here");

        assertThat(CoreAffinity.parse(allowed.substring(allowed.indexOf(':') + 1)))
                .containsExactly(last);
        assertThat(CoreAffinity.cores()).as("other threads").isEqualTo(cores);
    }
}
