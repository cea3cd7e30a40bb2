package io.sluice.simulator.sluice;

import io.sluice.core.SessionId;
import io.sluice.core.batching.BatchLimits;
import io.sluice.core.batching.BatchScheduler;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.LayerProfile.Held;
import io.sluice.simulator.Batch;
import io.sluice.simulator.NodePolicy;
import io.sluice.simulator.Topology;
import io.sluice.simulator.Work;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A worker as it is live: {@link BatchScheduler} forms a batch, the batch runs through all layers of the node, and then
 * all of it goes on. Pieces of a prompt that links have cut are gathered to a chunk of the node's size again first.
 */
final class SluiceNode implements NodePolicy {
    private final int endLayer;
    private final StageTime time;
    private final SluiceSettings settings;
    private final int chunkTokens;
    private final BatchScheduler<List<Work>> scheduler;
    private final Map<Integer, Gathering> gatherings = new HashMap<>();
    private int waiting;

    SluiceNode(Topology topology, int node, SluiceSettings settings) {
        LayerProfile profile = topology.layerProfile(node);
        int layers = topology.layout().layers(node);
        Held limits = profile.holding(layers);
        this.settings = settings;
        this.endLayer = topology.layout().end(node);
        this.time = StageTime.of(topology, node);
        this.chunkTokens = ChunkSizes.node(topology, node, settings);
        this.scheduler = new BatchScheduler<>(BatchLimits.adaptive(
                limits.decodeMaxRequests(),
                Math.min(Math.max(chunkTokens, 1), limits.promptMaxTokens()),
                settings.decodeBatchesPerPrefill(),
                limits.promptMaxTokens()));
    }

    @Override
    public void offer(Work work, double nowSeconds) {
        waiting++;
        SessionId session = SluicePolicy.session(work.request());
        if (!work.prompt()) {
            scheduler.addDecode(session, List.of(work));
            return;
        }
        int number = work.request().number();
        Gathering gathering = gatherings.computeIfAbsent(number, n -> new Gathering());
        gathering.parts.add(work);
        gathering.tokens += work.tokens();
        gathering.arrived += work.tokens();
        boolean complete = gathering.arrived == work.request().promptTokens();
        if (complete || gathering.tokens >= chunkTokens) {
            scheduler.addPrefill(
                    session, gathering.tokens, SluicePolicy.rank(work.request(), settings), gathering.parts);
            gathering.parts = new ArrayList<>();
            gathering.tokens = 0;
        }
        if (complete) {
            gatherings.remove(number);
        }
    }

    @Override
    public double next(Batch batch, double nowSeconds) {
        List<List<Work>> works = scheduler.next();
        if (works.isEmpty()) {
            return 0;
        }
        time.begin();
        for (List<Work> parts : works) {
            for (Work work : parts) {
                batch.add(work, endLayer - work.layer());
                time.add(work);
                waiting--;
            }
        }
        return time.seconds();
    }

    @Override
    public void finish(Batch batch, double nowSeconds, Consumer<Work> leaving) {
        for (int i = 0; i < batch.size(); i++) {
            leaving.accept(batch.work(i));
        }
    }

    @Override
    public int waiting() {
        return waiting;
    }

    /** Pieces of one prompt that are not yet a chunk. */
    private static final class Gathering {
        private List<Work> parts = new ArrayList<>();
        private int tokens;
        /** Of the whole prompt, those before these pieces included. */
        private int arrived;
    }
}
