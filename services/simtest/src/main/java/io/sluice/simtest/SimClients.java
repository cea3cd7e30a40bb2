package io.sluice.simtest;

import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.slo.Slo;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Those who send requests and read what comes of them; they never die. */
final class SimClients extends Actor {
    private static final int MOST_PROMPT = 24;
    private static final int MOST_OUTPUT = 40;
    /** Every third request is a best-effort one. */
    private static final int BEST_EFFORT_EVERY = 3;
    /** Objectives come with every second request. */
    private static final int SLO_EVERY = 2;

    private static final long TTFT_MS = 60_000;
    private static final long TPOT_MS = 10_000;
    /** Every eleventh request is cancelled, at once or a while after it was sent. */
    private static final int CANCEL_EVERY = 11;

    private static final long CANCEL_MICROS = 150_000;
    private static final int CANCEL_TIMES = 8;

    private final int layers;
    private final long meanMicros;
    private final List<Sender<Wire.Request>> out = new ArrayList<>();
    private Wire.Request last;
    private boolean closed;
    private int sent;

    SimClients(World world, int layers) {
        super(world, "clients", 0, 0);
        this.layers = layers;
        this.meanMicros = 50_000 + world.load().nextLong(150_000);
        for (Partition partition : world.partitions()) {
            out.add(new Sender<>(this, partition.requests, true, Long.MAX_VALUE / 4));
        }
    }

    void start() {
        born();
        for (Partition partition : world.partitions()) {
            new Reader<>(
                    this, partition.tokens, 0, (offset, token) -> world.judge().read(token));
        }
        new Reader<>(this, world.completions, 0, (offset, completion) -> world.judge()
                .completed(completion));
        new Reader<>(this, world.failures, 0, (offset, failure) -> world.judge().failed(failure));
        new Reader<>(this, world.sessions, 0, (offset, session) -> world.judge().assigned(session));
        next();
    }

    /** Sends no more. */
    void close() {
        closed = true;
    }

    /** The last request is sent again under its id. */
    boolean repeat() {
        if (last == null || closed) {
            return false;
        }
        send(last);
        return true;
    }

    /** Sends a few requests into a cluster in which nothing is broken any more: they must be completed. */
    void probe(int count) {
        for (int i = 0; i < count; i++) {
            Wire.Request request = request();
            world.judge().mustComplete(request.id());
            send(request);
        }
    }

    private void next() {
        if (closed) {
            return;
        }
        last = request();
        send(last);
        if (sent % CANCEL_EVERY == 0) {
            Wire.Request cancelled = last;
            after(CANCEL_MICROS * (sent / CANCEL_EVERY % CANCEL_TIMES), () -> cancel(cancelled.id()));
        }
        after((long) (-Math.log(1 - world.load().nextDouble()) * meanMicros), this::next);
    }

    private Wire.Request request() {
        SplittableRandom random = world.load();
        int[] prompt = new int[1 + random.nextInt(MOST_PROMPT)];
        for (int i = 0; i < prompt.length; i++) {
            prompt[i] = random.nextInt(Arithmetic.VOCABULARY);
        }
        int output = 1 + random.nextInt(MOST_OUTPUT);
        return new Wire.Request(
                new SessionId("r" + ++sent),
                prompt,
                output,
                random.nextLong(),
                sent % BEST_EFFORT_EVERY == 0 ? ServiceClass.BEST_EFFORT : ServiceClass.LATENCY_CRITICAL,
                sent % SLO_EVERY == 0 ? Slo.of(TTFT_MS, TPOT_MS) : Slo.NONE);
    }

    private void cancel(SessionId id) {
        out.get(world.partition(id).number).send(Wire.Request.cancel(id), null);
    }

    private void send(Wire.Request request) {
        world.judge()
                .submitted(
                        request, Arithmetic.reference(layers, request.prompt(), request.maxTokens(), request.seed()));
        out.get(world.partition(request.id()).number).send(request, null);
    }

    @Override
    void check() {
        // What clients see is judged as they see it.
    }
}
