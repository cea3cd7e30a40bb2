package io.sluice.launcher.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.launcher.UserException;
import io.sluice.loadgen.LoadPlan;
import io.sluice.records.Slo;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class LoadOptionsTest {
    private static LoadPlan plan(String... args) {
        LoadOptions options = new LoadOptions();
        new CommandLine(options).parseArgs(args);
        return options.plan("psalm");
    }

    @Test
    void shouldSendTheObjectivesAskedForWithEveryRequest() {
        assertThat(plan("--requests", "3", "--slo-ttft-ms", "700", "--slo-tpot-ms", "60")
                        .requests())
                .hasSize(3)
                .allMatch(planned -> planned.request().getSlo().equals(new Slo(700L, 60L)));
        assertThat(plan("--requests", "3").requests())
                .allMatch(planned -> planned.request().getSlo() == null);
    }

    @Test
    void shouldRefuseObjectivesThatNobodyCanMean() {
        assertThatThrownBy(() -> plan("--slo-ttft-ms", "0"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("--slo-ttft-ms 0 must be from 1");
        assertThatThrownBy(() -> plan("--slo-tpot-ms", "86400001"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("leave it out");
    }
}
