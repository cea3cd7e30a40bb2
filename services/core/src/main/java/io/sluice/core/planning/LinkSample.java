package io.sluice.core.planning;

import java.util.List;
import java.util.Objects;

/**
 * Transfers observed on one link in one interval, as reported: nothing is checked here, see {@link LinkEstimator}.
 *
 * @param from sender: a worker id or {@link Allocation#SOURCE}
 * @param to receiver: a worker id
 * @param atMillis end of the interval, ms since the epoch, receiver's clock
 */
public record LinkSample(String model, String from, String to, long atMillis, List<Transfer> transfers) {
    public LinkSample {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(from, "from");
        Objects.requireNonNull(to, "to");
        transfers = List.copyOf(transfers);
    }

    /**
     * One transfer.
     *
     * @param bytes record size
     * @param micros receive time minus send time by two clocks; negative when they differ
     */
    public record Transfer(long bytes, long micros) {}
}
