package io.sluice.simtest;

import io.sluice.core.recovery.LogRange;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.stage.LogPicker;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Reads the inputs of lost stages from the simulated topics, as the core's {@link LogPicker} wants them. */
final class SimLogReader {
    private static final long RETRY_MICROS = 200_000;

    private final SimWorker worker;
    private final World world;
    private final Consumer<Answer> sink;

    /**
     * What was found.
     *
     * @param gone why the inputs are not there; null: they are
     */
    record Answer(LogPicker.Want want, List<SimSession.Chunk> chunks, String gone) {}

    SimLogReader(SimWorker worker, Consumer<Answer> sink) {
        this.worker = worker;
        this.world = worker.world;
        this.sink = sink;
    }

    /** A consumer of its own seeks, reads and stops. */
    void read(LogPicker.Want want) {
        long records = want.ranges().stream().mapToLong(LogRange::records).sum();
        worker.after(2 * world.delayMicros() + 20 * records, () -> tryRead(want));
    }

    private void tryRead(LogPicker.Want want) {
        if (worker.isCutOff()) {
            worker.after(RETRY_MICROS, () -> tryRead(want));
            return;
        }
        LogPicker<Wire.Chunk> picker = new LogPicker<>(want);
        for (LogRange range : want.ranges()) {
            Log<Wire.Activation> log = world.activations(range.worker());
            Optional<String> gone = LogPicker.Want.gone(range, log.name, log.start(), log.end());
            if (gone.isPresent()) {
                missed(want, 0, gone.get());
                return;
            }
            for (long at = range.firstOffset(); at < range.endOffset(); at++) {
                take(picker, log.get(at));
            }
        }
        List<LogPicker.Piece<Wire.Chunk>> pieces = picker.inOrder();
        Optional<Integer> missing = picker.missing(pieces);
        if (missing.isPresent()) {
            missed(want, missing.get(), picker.missed(missing.get()));
            return;
        }
        world.trace(want.session(), () -> worker.name + " read " + want.start() + " positions from " + want.ranges());
        List<SimSession.Chunk> chunks = pieces.stream()
                .map(piece -> new SimSession.Chunk(piece.chunk(), want.attempt(), -1, null)
                        .asLogged(want.attempt())
                        .slice(piece.from(), piece.to()))
                .toList();
        sink.accept(new Answer(want, chunks, null));
    }

    private static void take(LogPicker<Wire.Chunk> picker, Wire.Activation activation) {
        if (activation == null) {
            return;
        }
        for (Wire.Chunk chunk : activation.chunks()) {
            if (chunk.kind() == Wire.Kind.FORWARD) {
                picker.take(
                        chunk, chunk.session(), chunk.attempt(), chunk.enterLayer(), chunk.position(), chunk.count());
            }
        }
    }

    private void missed(LogPicker.Want want, int found, String why) {
        world.trace(want.session(), () -> worker.name + " cannot rebuild, " + Trouble.LOG_GONE + ": " + why);
        world.judge().logGone(want, found);
        sink.accept(new Answer(want, List.of(), why));
    }
}
