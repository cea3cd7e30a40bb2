package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.core.network.PayloadChoice;
import io.sluice.core.network.PayloadChoice.Payload;
import io.sluice.runtime.ActivationDtype;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The element type of each link of this worker, by what was measured there ({@link PayloadChoice}); fp16 until then. The
 * compute thread asks, one other thread {@linkplain #look looks} about once a second.
 */
final class LinkPayloads implements PayloadTypes {
    private static final Logger LOG = LoggerFactory.getLogger(LinkPayloads.class);

    private final WorkerId self;
    private final int fp16RowBytes;
    private final Map<WorkerId, Link> links = new ConcurrentHashMap<>();

    private static final class Link {
        private final PayloadChoice choice = new PayloadChoice();
        private final LongAdder positions = new LongAdder();
        private volatile ActivationDtype type = ActivationDtype.FP16;
    }

    LinkPayloads(WorkerId self, int hiddenSize) {
        this.self = Objects.requireNonNull(self, "self");
        this.fp16RowBytes = ActivationDtype.FP16.rowBytes(hiddenSize);
    }

    @Override
    public ActivationDtype to(WorkerId next, int positions) {
        Link link = links.computeIfAbsent(next, key -> new Link());
        link.positions.add(positions);
        return link.type;
    }

    @Override
    public ActivationDtype longest() {
        return ActivationDtype.FP16;
    }

    /**
     * Chooses anew from what was sent since the last look.
     *
     * @param network what is known of the links
     * @param batches of this worker since then, and how long they computed together
     * @param elapsedSeconds since then
     */
    void look(NetworkView network, long batches, double busySeconds, double elapsedSeconds, long nowMillis) {
        links.forEach((next, link) -> {
            double bytes = (double) link.positions.sumThenReset() * fp16RowBytes;
            boolean silent = bytes == 0 || batches == 0;
            Payload payload = link.choice.look(new PayloadChoice.Seen(
                    network.bytesPerSecond(next, nowMillis),
                    silent ? 0 : bytes / batches,
                    silent ? 0 : busySeconds / batches,
                    network.latencySeconds(next, nowMillis),
                    bytes / elapsedSeconds));
            ActivationDtype type = payload == Payload.INT8 ? ActivationDtype.INT8_BLOCK : ActivationDtype.FP16;
            if (type != link.type) {
                link.type = type;
                LOG.info("link={}>{} activations={} reason=\"{}\"", self, next, type, link.choice.reason());
            }
        });
    }
}
