package io.sluice.simulator;

/** The window of measurement and what the whole group did in it. */
final class Window {
    final double start;
    final double end;
    final Samples prompt = new Samples();
    final Samples decode = new Samples();
    final DelayParts.Sum promptDelays = new DelayParts.Sum();
    final DelayParts.Sum decodeDelays = new DelayParts.Sum();
    long promptTokens;
    final Level inFlight = new Level();
    final Level kvExpectation = new Level();

    Window(double start, double end) {
        this.start = start;
        this.end = end;
    }

    boolean contains(double time) {
        return time >= start && time < end;
    }

    double seconds() {
        return end - start;
    }

    /** Part of [from, to] that lies in the window, seconds. */
    double overlap(double from, double to) {
        return Math.max(0, Math.min(to, end) - Math.max(from, start));
    }

    void promptFinished(double now, Request request, Work last) {
        if (contains(now)) {
            prompt.add(now - request.issuedSeconds);
            promptDelays.add(last.delays);
            promptTokens += request.promptTokens();
        }
    }

    void decoded(double now, Work step, double issued) {
        if (contains(now)) {
            decode.add(now - issued);
            decodeDelays.add(step.delays);
        }
    }

    /** A quantity that changes in steps: its mean and peak over the window. */
    final class Level {
        private double value;
        private double since;
        private double integral;
        private double peak;

        void set(double now, double newValue) {
            double seconds = overlap(since, now);
            if (seconds > 0) {
                integral += value * seconds;
                peak = Math.max(peak, value);
            }
            value = newValue;
            since = now;
            if (contains(now)) {
                peak = Math.max(peak, value);
            }
        }

        double mean() {
            return (integral + value * overlap(since, end)) / seconds();
        }

        double peak() {
            return overlap(since, end) > 0 ? Math.max(peak, value) : peak;
        }
    }
}
