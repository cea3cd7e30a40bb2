package io.sluice.launcher.bench.recovery;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.membership.LeaseTable;
import io.sluice.core.recovery.StageResume;
import io.sluice.core.stage.StageLedger;
import io.sluice.messaging.HeartbeatCodec;
import io.sluice.records.Heartbeat;
import io.sluice.records.HopTiming;
import io.sluice.records.Token;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What the live services do for recovery alone, per token, in loops over the classes that do it: every stage asks its
 * ledger, every hop carries two offsets, and each worker sends heartbeats that the router counts. What a heartbeat
 * costs Kafka's clients and the broker is no part of it. Single-threaded.
 */
public final class LiveBookkeeping {
    /** Of a worker, as {@code --heartbeat} has it unless told otherwise. */
    private static final double BEATS_PER_SECOND = 5;

    private static final int OPERATIONS = 20_000;
    private static final int TRIALS = 9;

    private LiveBookkeeping() {}

    /**
     * Processor time per token of a session that is alone on its pipeline; it shares the heartbeats with nobody.
     *
     * @param ledgerNanos of all stages
     * @param offsetNanos of all hops, in the chunks between stages and in the token
     * @param heartbeatNanos of all workers, in the time of a step
     */
    public record PerToken(double ledgerNanos, double offsetNanos, double heartbeatNanos) {
        /** All of it. */
        public double nanos() {
            return ledgerNanos + offsetNanos + heartbeatNanos;
        }
    }

    /** @param stepSeconds time between two tokens */
    public static PerToken measure(int stages, double stepSeconds) {
        double with = median(token(stages, 1_000_000));
        double without = median(token(stages, -1));
        // A chunk to stage i + 1 carries the hops of i stages, the token those of all.
        double hops = stages * (stages + 1) / 2.0;
        double perHop = Math.max(0, with - without) / stages;
        return new PerToken(
                stages * median(ledger()),
                hops * perHop,
                stages * BEATS_PER_SECOND * stepSeconds * median(heartbeat()));
    }

    private static Runnable ledger() {
        StageLedger ledger = new StageLedger();
        SessionId session = new SessionId("session");
        ledger.begin(session, 1, StageResume.fresh(), -1);
        int[] position = {0};
        return () -> {
            if (ledger.offer(session, 1, position[0]) == StageLedger.Verdict.NEXT) {
                ledger.taken(session, ++position[0]);
            }
        };
    }

    private static Runnable token(int stages, long offset) {
        List<HopTiming> hops = IntStream.range(0, stages)
                .mapToObj(i -> new HopTiming("stage-" + i, 500L, 50L, 5_000L, 1, offset, offset))
                .toList();
        Token token = new Token("request-0123456789", 1, 100, 1234, " word", null, "stage-2", 1_700_000_000_000L, hops);
        return () -> {
            try {
                Token read = Token.fromByteBuffer(token.toByteBuffer());
                if (read.getIndex() != token.getIndex()) {
                    throw new IllegalStateException("a token was not read as it was written");
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
    }

    private static Runnable heartbeat() {
        LeaseTable table = new LeaseTable(800, 0);
        long[] sequence = {0};
        Beat beat = new Beat(new WorkerId("stage-0"), 1, Beat.State.ALIVE, 0, 1_200, "stage-0", "");
        return () -> {
            long now = 200 * ++sequence[0];
            try {
                ByteBuffer bytes = HeartbeatCodec.encode(beat, sequence[0], now).toByteBuffer();
                table.beat(HeartbeatCodec.decode(Heartbeat.fromByteBuffer(bytes)), now);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
    }

    /** Nanoseconds of one operation: the median of several loops, of which the first ones only warm up. */
    private static double median(Runnable operation) {
        double[] nanos = new double[TRIALS];
        for (int trial = -TRIALS; trial < TRIALS; trial++) {
            long begin = System.nanoTime();
            for (int i = 0; i < OPERATIONS; i++) {
                operation.run();
            }
            nanos[Math.max(0, trial)] = (System.nanoTime() - begin) / (double) OPERATIONS;
        }
        Arrays.sort(nanos);
        return nanos[TRIALS / 2];
    }
}
