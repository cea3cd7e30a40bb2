package io.sluice.simulator.helix;

import io.sluice.simulator.LinkPolicy;
import io.sluice.simulator.Work;
import java.util.ArrayDeque;
import java.util.List;

/** One work item per message, in the order in which they were put into the outbox. */
public final class FifoLink implements LinkPolicy {
    private final ArrayDeque<Work> queue = new ArrayDeque<>();

    @Override
    public void offer(Work work, double nowSeconds) {
        queue.add(work);
    }

    @Override
    public void next(List<Work> message, double nowSeconds) {
        Work first = queue.poll();
        if (first != null) {
            message.add(first);
        }
    }

    @Override
    public long nextNumber() {
        Work first = queue.peek();
        return first == null ? Long.MAX_VALUE : first.outboxNumber();
    }

    @Override
    public int waiting() {
        return queue.size();
    }
}
