package io.sluice.launcher.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.launcher.bench.BenchReport.Interval;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class BenchReportTest {
    private final BenchReport report = new BenchReport("some");

    @Test
    void shouldJudgeAnIntervalOnlyWhereItLiesOnOneSideOfTheTarget() {
        report.addJudged("below", "ratio", 1.01, new Interval(1.00, 1.02), "<= 1.03");
        report.addJudged("across", "ratio", 1.01, new Interval(0.98, 1.04), "<= 1.03");
        report.addJudged("above", "ratio", 1.05, new Interval(1.04, 1.06), "<= 1.03");

        assertThat(report.rows()).extracting(BenchReport.Row::met).containsExactly(true, null, false);
        assertThat(printed()).contains("<= 1.03  met", "<= 1.03  not decided", "<= 1.03  NOT met");
    }

    @Test
    void shouldJudgeTheRatioWhereThereIsABaseline() {
        report.add("half", "steps/s", 60, 100.0, ">= 0.5");
        report.add("less", "steps/s", 40, 100.0, ">= 0.5");
        report.add("none", "steps/s", 40, 100.0, null);

        assertThat(report.rows()).extracting(BenchReport.Row::met).containsExactly(true, false, null);
    }

    private String printed() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        report.print(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
