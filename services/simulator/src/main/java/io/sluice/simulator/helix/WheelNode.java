package io.sluice.simulator.helix;

import io.sluice.core.cluster.LayerProfile;
import io.sluice.simulator.Batch;
import io.sluice.simulator.NodePolicy;
import io.sluice.simulator.Topology;
import io.sluice.simulator.Work;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Helix's node: a batch is one layer of what waits before that layer. After it the wheel turns to the next layer that has
 * work, so a cohort runs straight through the node's layers while newcomers wait at the door.
 *
 * <p>A batch is taken in order of arrival; prompts and decode steps share it, each within its own limits, and what does
 * not fit is skipped while later work may still join. Its time is that of its prompt tokens plus that of its decode steps
 * (twice for a single decode step), plus, at the first layer, copying the activations received since the last batch
 * there between host and device. A prompt longer than the limit runs as the only prompt of a batch.
 */
public final class WheelNode implements NodePolicy {
    /** Joining the received activations in host memory, bytes/s, and moving them to the device, bytes/s. */
    private static final double SECONDS_PER_BYTE = 1 / 4e9 + 1 / 5e9;

    private final LayerProfile profile;
    private final LayerProfile.Held limits;
    private final int first;
    private final double copySecondsPerToken;
    private final Work[][] queues;
    private final int[] sizes;
    private int current;
    private long receivedTokens;

    public WheelNode(Topology topology, int node) {
        int layers = topology.layout().layers(node);
        this.profile = topology.layerProfile(node);
        this.limits = profile.holding(layers);
        this.first = topology.layout().first(node);
        this.copySecondsPerToken = topology.problem().model().activationBytesPerToken() * SECONDS_PER_BYTE;
        this.queues = new Work[layers][16];
        this.sizes = new int[layers];
    }

    @Override
    public void offer(Work work, double nowSeconds) {
        put(work.layer() - first, work);
        receivedTokens += work.tokens();
    }

    private void put(int layer, Work work) {
        if (sizes[layer] == queues[layer].length) {
            queues[layer] = Arrays.copyOf(queues[layer], 2 * sizes[layer]);
        }
        queues[layer][sizes[layer]++] = work;
    }

    @Override
    public double next(Batch batch, double nowSeconds) {
        if (sizes[current] == 0) {
            turn();
        }
        Work[] queue = queues[current];
        int prompts = 0;
        long promptTokens = 0;
        int decodes = 0;
        long context = 0;
        int left = 0;
        for (int i = 0; i < sizes[current]; i++) {
            Work work = queue[i];
            if (work.prompt() && promptFits(prompts, promptTokens, work)) {
                prompts++;
                promptTokens += work.tokens();
                batch.add(work, 1);
            } else if (!work.prompt() && decodeFits(decodes, context, work)) {
                decodes++;
                context += work.position();
                batch.add(work, 1);
            } else {
                queue[left++] = work;
            }
        }
        Arrays.fill(queue, left, sizes[current], null);
        sizes[current] = left;
        return batch.size() == 0 ? 0 : seconds(promptTokens, decodes);
    }

    private boolean promptFits(int prompts, long tokens, Work work) {
        return prompts == 0
                || (prompts < limits.promptMaxRequests() && tokens + work.tokens() <= limits.promptMaxTokens());
    }

    private boolean decodeFits(int decodes, long context, Work work) {
        return decodes == 0
                || (decodes < limits.decodeMaxRequests()
                        && context + work.position() <= limits.decodeMaxContextTokens());
    }

    private double seconds(long promptTokens, int decodes) {
        double seconds = promptTokens == 0 ? 0 : profile.prompt().at(promptTokens);
        if (decodes > 0) {
            seconds += profile.decode().at(decodes) * (decodes == 1 ? 2 : 1);
        }
        if (current == 0) {
            seconds += receivedTokens * copySecondsPerToken;
            receivedTokens = 0;
        }
        return seconds;
    }

    @Override
    public void finish(Batch batch, double nowSeconds, Consumer<Work> leaving) {
        boolean last = current == queues.length - 1;
        for (int i = 0; i < batch.size(); i++) {
            if (last) {
                leaving.accept(batch.work(i));
            } else {
                put(current + 1, batch.work(i));
            }
        }
        turn();
    }

    /** To the next other layer with work; stays when there is none. */
    private void turn() {
        for (int step = 1; step < queues.length; step++) {
            int layer = (current + step) % queues.length;
            if (sizes[layer] > 0) {
                current = layer;
                return;
            }
        }
    }

    @Override
    public int waiting() {
        return sizes[0];
    }
}
