package io.sluice.simtest;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LogTest {
    private final World world = new World(7, Mutation.NONE, null);
    private final Log<String> log = new Log<>(world, "t", false);

    private static final class Idle extends Actor {
        Idle(World world) {
            super(world, "idle", 0, 0);
        }

        @Override
        void check() {
            // Nothing to check.
        }
    }

    private void runFor(long micros) {
        boolean[] over = new boolean[1];
        world.at(world.nowMicros() + micros, () -> over[0] = true);
        while (!over[0]) {
            world.step();
        }
    }

    private Idle actor() {
        Idle actor = new Idle(world);
        actor.born();
        return actor;
    }

    @Test
    void shouldLoseOnlyWhatNobodyHasReadWhenTheLeaderChanges() {
        List<String> read = new ArrayList<>();
        new Reader<>(actor(), log, 0, (offset, record) -> read.add(record));
        log.append("a");
        runFor(20_000);
        log.append("b");

        assertThat(log.failOver(1_000)).isEqualTo(1);
        log.append("c");
        runFor(200_000);

        assertThat(read).containsExactly("a", "c");
        assertThat(log.isDamaged(1)).isTrue();
    }

    @Test
    void shouldLoseWhatWasReadWhenALoneBrokerLosesPower() {
        List<String> read = new ArrayList<>();
        new Reader<>(actor(), log, 0, (offset, record) -> read.add(record));
        log.append("a");
        log.append("b");
        runFor(20_000);

        assertThat(log.losePower(1, 1_000)).isEqualTo(1);
        assertThat(read).containsExactly("a", "b");
        assertThat(log.append("c")).isEqualTo(1);
    }

    @Test
    void shouldLoseNothingOfADurableTopic() {
        Log<String> durable = new Log<>(world, "d", true);
        durable.append("a");

        assertThat(durable.failOver(1_000)).isZero();
        assertThat(durable.losePower(1, 1_000)).isZero();
        assertThat(durable.end()).isEqualTo(1);
    }

    @Test
    void shouldKeepTheOrderOfADurableProducerAcrossAnOutage() {
        Idle writer = actor();
        Log<String> durable = new Log<>(world, "d", true);
        Sender<String> sender = new Sender<>(writer, durable, true, 10_000_000);
        durable.failOver(500_000);
        for (String record : List.of("a", "b", "c")) {
            sender.send(record, null);
        }
        runFor(3_000_000);

        assertThat(List.of(durable.get(0), durable.get(1), durable.get(2))).containsExactly("a", "b", "c");
        assertThat(sender.inFlight()).isZero();
    }

    @Test
    void shouldDeliverAPrefixWhenTheWriterDies() {
        for (int run = 0; run < 20; run++) {
            Idle writer = actor();
            Log<Integer> target = new Log<>(world, "p", false);
            Sender<Integer> sender = new Sender<>(writer, target, false, 10_000_000);
            for (int i = 0; i < 5; i++) {
                sender.send(i, null);
            }
            writer.died();
            runFor(1_000_000);
            for (long at = 0; at < target.end(); at++) {
                assertThat(target.get(at)).isEqualTo((int) at);
            }
        }
    }

    @Test
    void shouldStartAgainFromTheBeginningWhereThePositionIsGone() {
        List<Long> offsets = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            log.append("r" + i);
        }
        log.truncateBefore(2);
        new Reader<>(actor(), log, 0, (offset, record) -> offsets.add(offset));
        runFor(200_000);

        assertThat(offsets).containsExactly(2L, 3L);
    }
}
