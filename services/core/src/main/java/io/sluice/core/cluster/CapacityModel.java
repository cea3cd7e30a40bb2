package io.sluice.core.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Typical throughput of a machine by the number of layers it holds, as Helix's artefact computes it (ASPLOS'25, section
 * 4 uses the result as the capacity of a node).
 *
 * <p>With 30 % of its KV cache in use a node that holds {@code k} of {@code L} layers has {@code E = floor(0.3 KV)}
 * tokens in every layer. Of a request's round trip the share {@code rho = k t / ((L - k) tbar + k t)} passes on this
 * node, where {@code t} is its time per layer and token and {@code tbar} the mean over the cluster's typical layers. A
 * batch then holds {@code r = E / (in + out) rho / out} prompts (at most one) of {@code p = round(in r)} tokens, and
 * {@code d = round(E / (in + out) rho)} decode steps, and
 *
 * <pre>T(k) = (p + d) / r / (k (prompt(floor(p / r)) + decode(d) / r))</pre>
 *
 * <p>As {@code t} depends on {@code T}, ten rounds are made. The result depends on the mix of machines, and the rounding
 * of {@code p} and {@code d} makes it jagged where a batch holds few decode steps. Immutable and thread-safe.
 */
public final class CapacityModel {
    /** Mean lengths Helix computes with. */
    public static final Workload HELIX_WORKLOAD = new Workload(750, 240);

    private static final double KV_OCCUPANCY = 0.3;
    private static final int ROUNDS = 10;
    private static final double ENOUGH_LAYERS = 1.2;
    private static final double TYPICAL_SHARE = 2.0 / 3;
    private static final int START_BATCH = 8;

    private final int layerCount;
    private final Workload workload;
    private final List<Machine> machines;
    private final double[] secondsPerLayerToken;
    private final double meanSecondsPerLayerToken;

    /**
     * A machine type of the cluster.
     *
     * @param count machines of this type
     * @param kvTokensPerLayer entry k-1: KV cache when k layers are held, tokens in every layer; its size is the largest
     *     number of layers that fit, at least one
     * @param typicalLayers layers such a machine typically holds, of which the mean over the cluster is made
     * @param startLayerTokensPerSecond layers times tokens per second to start from; only the ratio between types counts
     */
    public record Machine(
            String type,
            int count,
            Curve prompt,
            Curve decode,
            List<Long> kvTokensPerLayer,
            int typicalLayers,
            double startLayerTokensPerSecond) {
        public Machine {
            Objects.requireNonNull(type, "type");
            Objects.requireNonNull(prompt, "prompt");
            Objects.requireNonNull(decode, "decode");
            kvTokensPerLayer = List.copyOf(kvTokensPerLayer);
            Numbers.positive(
                    "machine type " + type + ": layers times tokens/s to start from", startLayerTokensPerSecond);
            if (count < 1 || typicalLayers < 1 || typicalLayers > kvTokensPerLayer.size()) {
                throw new IllegalArgumentException("machine type " + type + ": " + count + " machines (at least 1), "
                        + typicalLayers + " typical layers (1 to " + kvTokensPerLayer.size() + ", what fits)");
            }
        }

        /**
         * With two thirds of what fits as typical layers (Helix types in a table, which is close to that), and a start
         * from one prompt and its decode steps in batches of eight.
         */
        public static Machine of(
                String type, int count, Curve prompt, Curve decode, List<Long> kvTokensPerLayer, Workload workload) {
            int typical = Math.max(1, (int) Math.rint(TYPICAL_SHARE * kvTokensPerLayer.size()));
            double seconds = prompt.at(workload.meanPromptTokens())
                    + workload.meanOutputTokens() * decode.at(START_BATCH) / START_BATCH;
            double start = (workload.meanPromptTokens() + workload.meanOutputTokens()) / seconds;
            return new Machine(type, count, prompt, decode, kvTokensPerLayer, typical, start);
        }

        private int maxLayers() {
            return kvTokensPerLayer.size();
        }

        private Machine withTypicalLayers(int layers) {
            return new Machine(type, count, prompt, decode, kvTokensPerLayer, layers, startLayerTokensPerSecond);
        }
    }

    private CapacityModel(int layerCount, Workload workload, List<Machine> machines) {
        this.layerCount = layerCount;
        this.workload = workload;
        this.machines = machines;
        double[] speed = machines.stream()
                .mapToDouble(Machine::startLayerTokensPerSecond)
                .toArray();
        double[] seconds = seconds(speed);
        for (int round = 0; round < ROUNDS; round++) {
            double mean = mean(seconds);
            for (int g = 0; g < speed.length; g++) {
                int layers = machines.get(g).typicalLayers();
                speed[g] = throughput(machines.get(g), layers, seconds[g], mean) * layers;
            }
            seconds = seconds(speed);
        }
        this.secondsPerLayerToken = seconds;
        this.meanSecondsPerLayerToken = mean(seconds);
    }

    /**
     * The capacities of one cluster.
     *
     * @param layerCount layers of the model
     * @param machines every type once; where their typical layers together do not make 1.2 times the model, each is
     *     taken to hold all that fit
     * @throws IllegalArgumentException when there is no machine, or one cannot hold anything
     */
    public static CapacityModel of(int layerCount, Workload workload, List<Machine> machines) {
        if (layerCount < 1 || machines.isEmpty()) {
            throw new IllegalArgumentException(
                    layerCount + " layers on " + machines.size() + " machine types; at least one of each is needed");
        }
        long typical = 0;
        for (Machine machine : machines) {
            typical += (long) machine.count() * machine.typicalLayers();
        }
        List<Machine> used = new ArrayList<>();
        for (Machine machine : machines) {
            used.add(typical < ENOUGH_LAYERS * layerCount ? machine.withTypicalLayers(machine.maxLayers()) : machine);
        }
        return new CapacityModel(layerCount, workload, List.copyOf(used));
    }

    /**
     * Typical tokens per second, prompt and decode tokens counted alike, of a machine that holds {@code layers}; 0 when
     * its KV cache has no room for a single request.
     *
     * @throws IllegalArgumentException when there is no such type, or so many layers do not fit
     */
    public double tokensPerSecond(String type, int layers) {
        for (int g = 0; g < machines.size(); g++) {
            Machine machine = machines.get(g);
            if (machine.type().equals(type)) {
                if (layers < 1 || layers > machine.maxLayers()) {
                    throw new IllegalArgumentException(
                            "machine type " + type + " holds 1 to " + machine.maxLayers() + " layers, not " + layers);
                }
                return throughput(machine, layers, secondsPerLayerToken[g], meanSecondsPerLayerToken);
            }
        }
        throw new IllegalArgumentException("the capacity model knows no machine type " + type);
    }

    private double throughput(Machine machine, int layers, double seconds, double meanSeconds) {
        double in = workload.meanPromptTokens();
        double out = workload.meanOutputTokens();
        double share = layers * seconds / (Math.max(0, layerCount - layers) * meanSeconds + layers * seconds);
        double cached = Math.floor(KV_OCCUPANCY * machine.kvTokensPerLayer().get(layers - 1));
        double requests = cached / (in + out) * share;
        double prompts = requests / out;
        double promptTokens = Math.rint(in * prompts);
        double decodes = Math.rint(requests);
        if (prompts > 1) {
            prompts = 1;
            promptTokens = in;
            decodes = out;
        }
        if (!(prompts > 0) || promptTokens + decodes == 0) {
            return 0;
        }
        double time = machine.prompt().at(Math.floor(promptTokens / prompts))
                + machine.decode().at(decodes) / prompts;
        return (promptTokens + decodes) / prompts / (layers * time);
    }

    /** A type without any throughput counts as a million times slower than the fastest, so that the mean stays finite. */
    private static double[] seconds(double[] speed) {
        double fastest = 0;
        for (double s : speed) {
            fastest = Math.max(fastest, s);
        }
        double[] seconds = new double[speed.length];
        for (int g = 0; g < speed.length; g++) {
            seconds[g] = fastest == 0 ? 1 : 1 / Math.max(speed[g], fastest * 1e-6);
        }
        return seconds;
    }

    private double mean(double[] seconds) {
        double weighted = 0;
        double layers = 0;
        for (int g = 0; g < seconds.length; g++) {
            double typical = (double) machines.get(g).count() * machines.get(g).typicalLayers();
            weighted += typical * seconds[g];
            layers += typical;
        }
        return weighted / layers;
    }
}
