package io.sluice.launcher.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

final class FaultScheduleTest {
    private static final Set<FaultKind> ALL = EnumSet.allOf(FaultKind.class);

    private static FaultSchedule.Rule rule(
            double minutes, double perMinute, Set<FaultKind> kinds, boolean keepServing) {
        return new FaultSchedule.Rule(minutes, perMinute, kinds, ChaosStack.workers(), keepServing);
    }

    @Test
    void shouldDrawTheSameScheduleFromTheSameSeedAndAnotherFromAnother() {
        FaultSchedule.Rule rule = rule(30, 5, ALL, true);

        assertThat(FaultSchedule.draw(7, rule)).isEqualTo(FaultSchedule.draw(7, rule));
        assertThat(FaultSchedule.draw(7, rule)).isNotEqualTo(FaultSchedule.draw(8, rule));
    }

    @Test
    void shouldKeepToTheRateAndGiveEveryKindItsTurn() {
        for (long seed = 0; seed < 50; seed++) {
            List<Fault> faults =
                    FaultSchedule.draw(seed, rule(30, 5, ALL, true)).faults();

            assertThat(faults).as("seed %d", seed).hasSizeBetween(145, 150);
            assertThat(faults).extracting(Fault::atMs).isSorted().allMatch(at -> at >= 0 && at < 30 * 60_000);
            Map<FaultKind, Long> counts =
                    faults.stream().collect(Collectors.groupingBy(Fault::kind, Collectors.counting()));
            assertThat(counts.keySet()).containsExactlyInAnyOrderElementsOf(ALL);
            assertThat(counts.values()).allMatch(count -> count >= 14 && count <= 24);
            assertThat(faults)
                    .allMatch(fault -> fault.durationMs() >= fault.kind().leastMs()
                            && fault.durationMs() <= fault.kind().mostMs());
        }
    }

    @Test
    void shouldNeverTakeTheLastWorkerOfALayerRangeWhenServingIsKept() {
        SortedMap<String, LayerRange> workers = ChaosStack.workers();
        EnumSet<FaultKind> kinds = EnumSet.of(FaultKind.KILL, FaultKind.STOP, FaultKind.PARTITION);
        for (long seed = 0; seed < 50; seed++) {
            for (Fault fault :
                    FaultSchedule.draw(seed, rule(10, 10, kinds, true)).faults()) {
                List<Fault> present = FaultSchedule.draw(seed, rule(10, 10, kinds, true)).faults().stream()
                        .filter(other -> other.atMs() <= fault.atMs())
                        .filter(other ->
                                other.atMs() + other.durationMs() + other.kind().settleMs() > fault.atMs())
                        .toList();
                Set<String> away = present.stream().map(Fault::target).collect(Collectors.toSet());

                assertThat(away).as("each worker is hit once at a time").hasSameSizeAs(present);
                assertThat(workers.entrySet().stream()
                                .filter(worker -> !away.contains(worker.getKey()))
                                .map(Map.Entry::getValue)
                                .collect(Collectors.toSet()))
                        .as("layer ranges served at %d ms of seed %d", fault.atMs(), seed)
                        .containsAll(workers.values());
            }
        }
    }

    @Test
    void shouldLeaveAFaultOutWhenNobodyMayBeHit() {
        SortedMap<String, LayerRange> alone = new TreeMap<>(Map.of("only", new LayerRange(0, 6)));
        EnumSet<FaultKind> kill = EnumSet.of(FaultKind.KILL);

        assertThat(FaultSchedule.draw(1, new FaultSchedule.Rule(5, 5, kill, alone, true))
                        .faults())
                .isEmpty();
        assertThat(FaultSchedule.draw(1, new FaultSchedule.Rule(5, 5, kill, alone, false))
                        .faults())
                .isNotEmpty();
    }

    @Test
    void shouldNameTheUnknownKind() {
        assertThat(FaultKind.parse("kill, stop")).containsExactly(FaultKind.KILL, FaultKind.STOP);
        assertThatThrownBy(() -> FaultKind.parse("kill,flood"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'flood'")
                .hasMessageContaining("partition");
    }
}
