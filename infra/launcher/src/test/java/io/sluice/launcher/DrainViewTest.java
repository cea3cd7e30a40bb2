package io.sluice.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.BeatState;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.Heartbeat;
import java.util.List;
import org.junit.jupiter.api.Test;

final class DrainViewTest {
    private static final long START = 1_800_000_000_000L;
    private static final long SILENCE = 10_000;

    private long now = START;

    private DrainView view(boolean undo) {
        return new DrainView("w", 7, undo, SILENCE, now);
    }

    private Heartbeat beat(BeatState state, long deadlineMs, String reason) {
        return new Heartbeat("w", 7L, 0L, state, deadlineMs, 1_200, "w", reason, now);
    }

    private GpuTelemetry sessions(int count) {
        return GpuTelemetry.newBuilder()
                .setWorker("w")
                .setIncarnation(7)
                .setModel("m")
                .setSequence(1)
                .setAtMs(now)
                .setIntervalMs(250)
                .setBusyUs(0)
                .setUtilization(0)
                .setPrefillTokens(0)
                .setDecodeTokens(0)
                .setBatches(0)
                .setQueueChunks(0)
                .setSessions(count)
                .setKvUsedTokens(0)
                .setKvCapacityTokens(1)
                .setMemoryUsedBytes(0)
                .setMemoryTotalBytes(1)
                .setClasses(List.of())
                .build();
    }

    @Test
    void shouldSayHowManySessionsAreLeftAndOnlyWhenThatChanges() {
        DrainView view = view(false);
        assertThat(view.line(now)).isEmpty();
        view.heard(beat(BeatState.DRAINING, START + 30_000, ""), now);
        assertThat(view.line(now)).contains("worker w drains: sessions not counted yet, 30 s to go");

        view.heard(sessions(2));
        assertThat(view.line(now + 4_000)).contains("worker w drains: 2 sessions left, 26 s to go");
        assertThat(view.line(now + 5_000)).isEmpty();
        view.heard(sessions(1));

        assertThat(view.line(now + 6_000)).contains("worker w drains: 1 session left, 24 s to go");
        assertThat(view.outcome(now + 6_000)).isEmpty();
    }

    @Test
    void shouldEndWithTheReasonTheWorkerGave() {
        DrainView view = view(false);
        view.heard(beat(BeatState.DRAINING, 0, ""), now);
        view.heard(beat(BeatState.GONE, 0, "drained, no session left (asked by sluice drain)"), now);

        assertThat(view.outcome(now))
                .contains(new DrainView.Outcome(
                        true, "worker w has left: drained, no session left (asked by sluice drain)"));
    }

    @Test
    void shouldSayWhenSomebodyCalledTheDrainOff() {
        DrainView view = view(false);
        view.heard(beat(BeatState.ALIVE, 0, ""), now);
        assertThat(view.outcome(now)).isEmpty();
        view.heard(beat(BeatState.DRAINING, 0, ""), now);
        view.heard(beat(BeatState.ALIVE, 0, ""), now);

        assertThat(view.outcome(now).orElseThrow().wanted()).isFalse();
        assertThat(view.outcome(now).orElseThrow().sentence()).contains("called the drain off");
    }

    @Test
    void shouldGiveUpAWorkerThatIsSilent() {
        DrainView never = view(false);
        assertThat(never.outcome(now + SILENCE)).isEmpty();
        assertThat(never.outcome(now + SILENCE + 1).orElseThrow().sentence()).contains("does not answer");

        DrainView crashed = view(false);
        crashed.heard(beat(BeatState.DRAINING, 0, ""), now);
        assertThat(crashed.outcome(now + SILENCE + 1).orElseThrow().sentence()).contains("has fallen silent for 10 s");
    }

    @Test
    void shouldKnowThatADrainCannotBeCalledOffOnceTheWorkerHasLeft() {
        DrainView view = view(true);
        view.heard(beat(BeatState.DRAINING, 0, ""), now);
        assertThat(view.outcome(now)).isEmpty();
        view.heard(beat(BeatState.GONE, 0, "stopped"), now);

        assertThat(view.outcome(now)).contains(new DrainView.Outcome(false, "worker w has left: stopped"));
    }
}
