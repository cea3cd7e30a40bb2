package io.sluice.clusters;

import io.sluice.clusters.CapacityTables.BatchLimits;
import io.sluice.clusters.MachineReader.Machine;
import io.sluice.clusters.ModelReader.Model;
import io.sluice.core.cluster.CapacityModel;
import io.sluice.core.cluster.Curve;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.LayerProfile.Held;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.cluster.Workload;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How the machine types of a cluster file run a model: curves and tables given in the file, and for what it does not
 * give the roofline, the memory and the {@link CapacityModel}.
 */
final class ProfileReader {
    private static final String TABLE = "tokens_per_second";
    private static final String KV_TABLE = "kv_tokens_per_layer";

    private final Problems problems;
    private final Map<String, Machine> machines;
    private final Map<String, Integer> counts;
    private final Workload workload;

    /**
     * @param counts machines by type
     */
    ProfileReader(Problems problems, Map<String, Machine> machines, Map<String, Integer> counts, Workload workload) {
        this.problems = problems;
        this.machines = machines;
        this.counts = counts;
        this.workload = workload;
    }

    /** What one type needs besides its throughput. */
    private record Draft(Curve prompt, Curve decode, List<Long> kvTokens, FileValue at) {}

    ModelProfile read(Model model, FileValue at) {
        FileValue profiles = at.get("profiles");
        if (profiles != null) {
            profiles.entries().forEach((type, profile) -> {
                if (!machines.containsKey(type)) {
                    problems.add(
                            profiles.lineOfKey(type),
                            profiles.path(),
                            NodeReader.unknown(
                                    "machine type",
                                    new FileValue(FileValue.Kind.TEXT, 0, "", type),
                                    List.copyOf(machines.keySet())));
                }
            });
        }
        Map<String, Draft> drafts = new TreeMap<>();
        machines.forEach((type, machine) -> {
            FileValue given = profiles == null ? null : profiles.get(type);
            if (given == null || given.kind() == FileValue.Kind.MAP) {
                draft(model, machine, given, at).ifPresent(draft -> drafts.put(type, draft));
            }
        });
        Map<String, LayerProfile> byType = new TreeMap<>();
        Optional<CapacityModel> capacities = capacities(model, drafts);
        drafts.forEach((type, draft) -> {
            List<Held> held = held(type, draft, capacities);
            if (!held.isEmpty()) {
                byType.put(type, new LayerProfile(draft.prompt(), draft.decode(), held));
            }
        });
        return new ModelProfile(model.spec(), byType);
    }

    private Optional<Draft> draft(Model model, Machine machine, FileValue given, FileValue modelAt) {
        boolean measured = given != null && given.has("prompt") && given.has("decode");
        boolean used = counts.containsKey(machine.type().name());
        if (!measured && machine.roofline().isEmpty()) {
            if (used) {
                problems.add(
                        given == null ? modelAt : given,
                        "machine type '" + machine.type().name() + "' has no measured prompt and decode times for "
                                + model.spec().name()
                                + "; give them under profiles, or its gpu, or its memory_bandwidth"
                                + " and tflops, or write 'none' there");
            }
            return Optional.empty();
        }
        Optional<Curve> prompt = given != null && given.has("prompt")
                ? curve(given.get("prompt"))
                : machine.roofline().map(roofline -> roofline.prompt(model.spec(), model.weightBits()));
        Optional<Curve> decode = given != null && given.has("decode")
                ? curve(given.get("decode"))
                : machine.roofline().map(roofline -> roofline.decode(model.spec(), model.weightBits()));
        if (prompt.isEmpty() || decode.isEmpty()) {
            return Optional.empty();
        }
        List<Long> kvTokens = kvTokens(model, machine, given);
        return kvTokens.isEmpty()
                ? Optional.empty()
                : Optional.of(new Draft(prompt.get(), decode.get(), kvTokens, given));
    }

    private List<Long> kvTokens(Model model, Machine machine, FileValue given) {
        long memory = machine.type().memoryBytes();
        if (given != null && given.has(KV_TABLE)) {
            List<Long> tokens =
                    given.get(KV_TABLE).items().stream().map(FileValue::whole).toList();
            if (given.has("max_layers") && given.get("max_layers").whole() != tokens.size()) {
                problems.add(
                        given.get("max_layers"),
                        given.get("max_layers") + " layers, but " + KV_TABLE + " has " + tokens.size()
                                + " entries; drop max_layers");
            }
            return tokens;
        }
        int most = CapacityTables.maxLayers(memory, model.spec());
        if (given != null && given.has("max_layers")) {
            most = (int) given.get("max_layers").whole();
        } else if (given != null && given.has(TABLE)) {
            most = given.get(TABLE).items().size();
        }
        List<Long> kvTokens = new ArrayList<>();
        for (int k = 1; k <= most; k++) {
            kvTokens.add(CapacityTables.kvTokensPerLayer(memory, model.spec(), k));
        }
        return kvTokens;
    }

    private Optional<CapacityModel> capacities(Model model, Map<String, Draft> drafts) {
        List<CapacityModel.Machine> mix = new ArrayList<>();
        drafts.forEach((type, draft) -> {
            if (counts.containsKey(type)) {
                mix.add(CapacityModel.Machine.of(
                        type, counts.get(type), draft.prompt(), draft.decode(), draft.kvTokens(), workload));
            }
        });
        boolean needed = drafts.values().stream()
                .anyMatch(draft -> draft.at() == null || !draft.at().has(TABLE));
        return mix.isEmpty() || !needed
                ? Optional.empty()
                : Optional.of(CapacityModel.of(model.spec().layerCount(), workload, mix));
    }

    private List<Held> held(String type, Draft draft, Optional<CapacityModel> capacities) {
        FileValue at = draft.at();
        int rows = draft.kvTokens().size();
        boolean given = at != null && at.has(TABLE);
        if (given && at.get(TABLE).items().size() != rows) {
            problems.add(
                    at.get(TABLE),
                    "has " + at.get(TABLE).items().size() + " entries, but " + rows + " layers fit by " + KV_TABLE
                            + " or max_layers; give one for every number of layers held");
            return List.of();
        }
        if (!given && (capacities.isEmpty() || !counts.containsKey(type))) {
            return List.of();
        }
        List<Long> prompts = limits(at, "prompt_max_requests", rows, BatchLimits.DEFAULT.promptMaxRequests());
        List<Long> promptTokens = limits(at, "prompt_max_tokens", rows, BatchLimits.DEFAULT.promptMaxTokens());
        List<Long> decodes = limits(at, "decode_max_requests", rows, BatchLimits.DEFAULT.decodeMaxRequests());
        List<Long> context =
                limits(at, "decode_max_context_tokens", rows, BatchLimits.DEFAULT.decodeMaxContextTokens());
        List<Held> held = new ArrayList<>();
        for (int k = 1;
                k <= rows && prompts.size() + promptTokens.size() + decodes.size() + context.size() == 4 * rows;
                k++) {
            held.add(new Held(
                    k,
                    given
                            ? at.get(TABLE).items().get(k - 1).number()
                            : capacities.get().tokensPerSecond(type, k),
                    draft.kvTokens().get(k - 1),
                    prompts.get(k - 1).intValue(),
                    promptTokens.get(k - 1).intValue(),
                    decodes.get(k - 1).intValue(),
                    context.get(k - 1)));
        }
        return held;
    }

    /** One limit per number of layers held; empty, with a problem added, when the list is of another length. */
    private List<Long> limits(FileValue at, String key, int rows, long otherwise) {
        if (at == null || !at.has(key)) {
            return Collections.nCopies(rows, otherwise);
        }
        FileValue value = at.get(key);
        if (value.kind() == FileValue.Kind.NUMBER) {
            return Collections.nCopies(rows, value.whole());
        }
        if (value.items().size() != rows) {
            problems.add(
                    value,
                    "has " + value.items().size() + " entries, but " + rows + " layers fit; give one for each, or one"
                            + " number for all");
            return List.of();
        }
        return value.items().stream().map(FileValue::whole).toList();
    }

    private Optional<Curve> curve(FileValue at) {
        List<FileValue> tokens = at.get("tokens").items();
        List<FileValue> times = at.get("ms").items();
        if (tokens.size() != times.size()) {
            problems.add(at.get("ms"), "has " + times.size() + " entries, but tokens has " + tokens.size());
            return Optional.empty();
        }
        try {
            return Optional.of(Curve.of(
                    tokens.stream().mapToDouble(FileValue::number).toArray(),
                    times.stream()
                            .mapToDouble(ms ->
                                    new BigDecimal(ms.text()).movePointLeft(3).doubleValue())
                            .toArray()));
        } catch (IllegalArgumentException e) {
            problems.add(at, e.getMessage());
            return Optional.empty();
        }
    }
}
