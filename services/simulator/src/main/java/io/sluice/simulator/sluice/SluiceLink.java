package io.sluice.simulator.sluice;

import io.sluice.core.batching.LinkLimits;
import io.sluice.core.batching.LinkQueue;
import io.sluice.core.batching.LinkQueue.Outgoing;
import io.sluice.core.batching.LinkQueue.Piece;
import io.sluice.simulator.LinkPolicy;
import io.sluice.simulator.Topology;
import io.sluice.simulator.Work;
import java.util.List;

/** A link whose order {@link LinkQueue} decides. */
final class SluiceLink implements LinkPolicy {
    private final SluiceSettings settings;
    private final LinkQueue<Work> queue;

    SluiceLink(Topology topology, int link, SluiceSettings settings) {
        this.settings = settings;
        this.queue = new LinkQueue<>(LinkLimits.bounded(
                topology.bytesPerSecond(link),
                topology.bytesPerToken(link),
                settings.mostRecordSeconds(),
                settings.mostRecordBytes()));
    }

    @Override
    public void offer(Work work, double nowSeconds) {
        if (work.prompt()) {
            queue.addPrompt(
                    SluicePolicy.session(work.request()),
                    work.tokens(),
                    SluicePolicy.rank(work.request(), settings),
                    work);
        } else {
            queue.addDecode(work);
        }
    }

    @Override
    public void next(List<Work> message, double nowSeconds) {
        Outgoing<Work> record = queue.next();
        if (record == null) {
            return;
        }
        for (Piece<Work> piece : record.pieces()) {
            Work work = piece.item();
            boolean whole = piece.from() == 0 && piece.last();
            message.add(whole ? work : work.part(work.position() + piece.from(), piece.end() - piece.from()));
        }
    }

    @Override
    public long nextNumber() {
        Work head = queue.peek();
        return head == null ? Long.MAX_VALUE : head.outboxNumber();
    }

    @Override
    public int waiting() {
        return queue.size();
    }
}
