package io.sluice.simulator;

import io.sluice.core.cluster.RequestShape;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Makes a group's requests: when they come and how long they are. */
final class Feeder {
    private static final double GAP_SECONDS = 0.1;

    private final Load load;
    private final List<RequestShape> shapes;
    private final Scenario.Draw draw;
    private final EventQueue events;
    private final double endSeconds;
    private final RandomGenerator arrivals;
    private final RandomGenerator lengths;
    private int made;

    Feeder(Scenario scenario, Load load, EventQueue events, SplittableRandom random) {
        this.load = load;
        this.shapes = scenario.shapes();
        this.draw = scenario.draw();
        this.events = events;
        this.endSeconds = scenario.endSeconds();
        this.arrivals = random.split();
        this.lengths = random.split();
    }

    /** Plans the first requests. */
    void start() {
        switch (load) {
            case Load.Fill fill -> spaced(fill.initial());
            case Load.Constant constant -> spaced(constant.requests());
            case Load.Backlog backlog -> {}
            case Load.Rate rate -> trace(rate);
            case Load.Given given -> {
                double[] times = given.arrivalSeconds();
                for (int i = 0; i < times.length; i++) {
                    add(times[i], given.requests().get(i));
                }
            }
        }
    }

    private void spaced(int count) {
        for (int i = 0; i < count; i++) {
            add(i * GAP_SECONDS, drawn());
        }
    }

    private void trace(Load.Rate rate) {
        int[] slots = rate.arrivalsPerSlot();
        double mean = (double) Arrays.stream(slots).sum() / slots.length;
        double scale = rate.slotSeconds() * rate.offeredTokensPerSecond() / rate.tokensPerRequest() / mean;
        double carried = 0;
        for (int slot = 0; slot * rate.slotSeconds() < endSeconds; slot++) {
            double wanted = slots[arrivals.nextInt(slots.length)] * scale + carried;
            int count = (int) Math.rint(wanted);
            carried = wanted - count;
            double[] times = new double[Math.max(0, count)];
            for (int i = 0; i < times.length; i++) {
                times[i] = (slot + arrivals.nextDouble()) * rate.slotSeconds();
            }
            Arrays.sort(times);
            for (double time : times) {
                add(time, drawn());
            }
        }
    }

    private void add(double time, RequestShape shape) {
        if (time < endSeconds) {
            events.add(time, Engine.ARRIVAL, 0, new Request(made++, shape.promptTokens(), shape.outputTokens()));
        }
    }

    private RequestShape drawn() {
        return switch (draw) {
            case RANDOM -> shapes.get(lengths.nextInt(shapes.size()));
            case IN_ORDER -> shapes.get(made % shapes.size());
        };
    }

    /** The next request of an endless backlog. */
    Request next() {
        RequestShape shape = drawn();
        return new Request(made++, shape.promptTokens(), shape.outputTokens());
    }

    void promptFinished(double now, double kvExpectation) {
        if (load instanceof Load.Fill fill && kvExpectation <= fill.kvMark()) {
            add(now + GAP_SECONDS, drawn());
        }
    }

    void requestEnded(double now, double kvExpectation) {
        if (load instanceof Load.Constant) {
            add(now + GAP_SECONDS, drawn());
        } else {
            promptFinished(now, kvExpectation);
        }
    }

    void rejected(double now) {
        if (load instanceof Load.Constant) {
            add(now + GAP_SECONDS, drawn());
        }
    }

    /** Requests made so far, those in the backlog's hand included. */
    int made() {
        return made;
    }
}
