package io.sluice.simulator.sluice;

import io.sluice.core.cluster.LayerProfile;
import io.sluice.simulator.Topology;
import io.sluice.simulator.Work;
import java.util.Arrays;

/**
 * Time of a batch that runs through a node's layers: per layer the time of its prompt positions, but never less than one
 * pass over the weights, plus the time of its decode steps; and once the copies of what came in to the device and of what
 * goes out (4 and 5 GB/s, as in the reference simulator). A pass over the weights costs what a decode batch of two costs:
 * profiles are straight from nothing to their first point, and the reference doubles a lone decode step for that reason.
 */
final class StageTime {
    private static final double COPY_SECONDS_PER_BYTE = 1 / 4e9 + 1 / 5e9;

    private final LayerProfile profile;
    private final int firstLayer;
    private final int[] promptEntering;
    private final int[] decodeEntering;
    private final double copySecondsPerToken;
    private int tokens;

    private StageTime(LayerProfile profile, int firstLayer, int layers, double copySecondsPerToken) {
        this.profile = profile;
        this.firstLayer = firstLayer;
        this.promptEntering = new int[layers];
        this.decodeEntering = new int[layers];
        this.copySecondsPerToken = copySecondsPerToken;
    }

    static StageTime of(Topology topology, int node) {
        return new StageTime(
                topology.layerProfile(node),
                topology.layout().first(node),
                topology.layout().layers(node),
                topology.problem().model().activationBytesPerToken() * COPY_SECONDS_PER_BYTE);
    }

    /** One pass over a layer's weights, seconds. */
    static double passSeconds(LayerProfile profile) {
        return Math.max(profile.decode().at(2), 2 * profile.decode().at(1));
    }

    /** Starts a new batch. */
    void begin() {
        Arrays.fill(promptEntering, 0);
        Arrays.fill(decodeEntering, 0);
        tokens = 0;
    }

    void add(Work work) {
        (work.prompt() ? promptEntering : decodeEntering)[work.layer() - firstLayer] += work.tokens();
        tokens += work.tokens();
    }

    double seconds() {
        double sum = tokens * copySecondsPerToken;
        int prompts = 0;
        int decodes = 0;
        double perLayer = 0;
        for (int layer = 0; layer < promptEntering.length; layer++) {
            if (promptEntering[layer] > 0 || decodeEntering[layer] > 0) {
                prompts += promptEntering[layer];
                decodes += decodeEntering[layer];
                perLayer = layerSeconds(prompts, decodes);
            }
            sum += perLayer;
        }
        return sum;
    }

    private double layerSeconds(int prompts, int decodes) {
        double pass = passSeconds(profile);
        double prompt = prompts == 0 ? 0 : Math.max(profile.prompt().at(prompts), pass);
        double decode = decodes == 0 ? 0 : Math.max(profile.decode().at(decodes), pass);
        return prompt + decode;
    }
}
