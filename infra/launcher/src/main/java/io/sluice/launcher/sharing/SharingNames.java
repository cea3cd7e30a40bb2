package io.sluice.launcher.sharing;

import io.sluice.launcher.UserException;
import io.sluice.sharing.SharingScenario.Traffic;
import io.sluice.sharing.gpu.Devices;
import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.policy.SharingPolicies;
import io.sluice.sharing.workload.Jobs;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Names that users give, with a line about each, and what they stand for. */
final class SharingNames {
    private static final Map<String, String> POLICIES = table(
            """
            none: no best-effort work: the server alone
            time-slicing: the driver's turns of contexts
            mps: blocks of all processes at once
            mps-priority: the same, the server's blocks first
            tgs: best-effort blocks limited by the server's rate of launches (NSDI'23)
            orion: a best-effort kernel only beside a kernel of the server that it hardly slows (EuroSys'24)
            reef: best-effort blocks fill what the server's kernels leave free (OSDI'22)
            tally: best-effort work only between requests, in kernels cut into slices (ASPLOS'25)
            tally-scheduling-only: Tally without cut kernels
            tally-no-scheduling: Tally without scheduling: whole kernels of low priority
            sequential: a request waits for the end of a best-effort round; clients take turns
            block-wait: a request waits for running blocks, and until the kernels behind them have passed empty
            gpreempt: a request preempts by a context switch (ATC'25)
            eclip: kernels of two or three jobs on masked pools, planned within a switch budget, re-planned (ISLPED 2025)
            sluice: ours: slice gate, batched launches that retreat, a two-stage conformal quota
            """);

    private static final Map<String, String> JOBS = table(
            """
            bert: BERT inference, a request of 4 ms
            llama-2-7b: Llama-2-7B decoding 190 tokens, a request of 2 s
            resnet50: ResNet50 inference, batch 4
            mobilenetv2: MobileNetV2 inference, batch 4
            efficientnet: EfficientNet inference, batch 4
            whisper: Whisper training (stand-in: RetinaNet, kernels of up to 10 ms); host idle half of the time
            resnet50-train: ResNet50 training, batch 128
            pointnet: PointNet training (stand-in: MobileNetV2, memory bound)
            bert-train: BERT training, batch 32
            gpt2-large: GPT2-Large training (stand-in: Transformer-XL)
            pegasus-x: PEGASUS-X training (stand-in: Transformer-XL, four times the batch)
            resnet50-batch: batches of ResNet50 inference
            """);

    private static final Map<String, GpuSpec> DEVICES = new LinkedHashMap<>();

    static {
        DEVICES.put("a100", Devices.A100);
        DEVICES.put("v100", Devices.V100);
        DEVICES.put("mi50", Devices.MI50);
        DEVICES.put("rtx5090", Devices.RTX5090);
    }

    private SharingNames() {}

    /** Lines of {@code name: what it is}, in their order. */
    private static Map<String, String> table(String text) {
        Map<String, String> table = new LinkedHashMap<>();
        text.lines().forEach(line -> {
            String[] parts = line.split(": ", 2);
            table.put(parts[0], parts[1]);
        });
        return table;
    }

    /** A line about a policy or a job; empty for one that nobody described. */
    static String about(String name) {
        return POLICIES.getOrDefault(name, JOBS.getOrDefault(name, ""));
    }

    /** A line about a kind of traffic. */
    static String about(Traffic traffic) {
        return switch (traffic) {
            case POISSON -> "independent arrivals";
            case MAF2 -> "shaped like the busiest function of the Azure Functions trace of 2021, two days in the span";
            case STEP -> "a fifth of the load, from half of the span on the load and 4/5 of what is left, at most 0.9";
            case LULLS -> "bursts of 400 ms at the load, silence of 600 ms after each";
            case CONSTANT -> "evenly spaced";
        };
    }

    static Map<String, GpuSpec> devices() {
        return DEVICES;
    }

    static GpuSpec device(String name) {
        GpuSpec device = DEVICES.get(name.toLowerCase(Locale.ROOT));
        if (device == null) {
            throw new UserException("--device " + name + " is not known; choose one of " + names(DEVICES.keySet()));
        }
        return device;
    }

    static String name(Traffic traffic) {
        return traffic.name().toLowerCase(Locale.ROOT);
    }

    static Traffic traffic(String name) {
        List<String> known = new ArrayList<>();
        for (Traffic traffic : Traffic.values()) {
            known.add(name(traffic));
            if (name(traffic).equalsIgnoreCase(name)) {
                return traffic;
            }
        }
        throw new UserException("--traffic " + name + " is not known; choose one of " + names(known));
    }

    /** Policies as they are given, each once, or all. */
    static List<String> policies(List<String> asked) {
        if (asked.equals(List.of("all"))) {
            return SharingPolicies.NAMES;
        }
        if (asked.isEmpty()) {
            throw new UserException("--policies names none; choose from " + names(SharingPolicies.NAMES) + ", or all");
        }
        List<String> chosen = new ArrayList<>();
        for (String name : asked) {
            if (name.equals("all")) {
                throw new UserException("--policies " + String.join(",", asked)
                        + ": all means every policy and stands alone; leave the other names out");
            }
            if (!SharingPolicies.NAMES.contains(name)) {
                throw new UserException("--policies " + name + " is not known; choose from "
                        + names(SharingPolicies.NAMES) + ", or all");
            }
            if (chosen.contains(name)) {
                throw new UserException("--policies names " + name + " twice; name it once");
            }
            chosen.add(name);
        }
        return chosen;
    }

    /** A latency-critical job and the best-effort jobs beside it. */
    record Pair(String critical, List<String> bestEffort) {
        /** From {@code critical/besteffort} or {@code critical/one+another}. */
        static Pair of(String text) {
            String[] halves = text.split("/", -1);
            if (halves.length != 2 || halves[0].isBlank() || halves[1].isBlank()) {
                throw new UserException(
                        "--pair " + text
                                + " must be a latency-critical and a best-effort job, as in bert/whisper or bert/whisper+pointnet");
            }
            if (!Jobs.CRITICAL.contains(halves[0])) {
                throw new UserException("--pair " + text + ": there is no latency-critical job " + halves[0]
                        + "; choose one of " + names(Jobs.CRITICAL));
            }
            List<String> bestEffort = List.of(halves[1].split("\\+", -1));
            for (String job : bestEffort) {
                if (!Jobs.BEST_EFFORT.contains(job) && !Jobs.BATCHES.contains(job)) {
                    String reason = Jobs.CRITICAL.contains(job)
                            ? job + " is a latency-critical job, which is not shared with itself or another"
                            : "there is no best-effort job '" + job + "'";
                    throw new UserException("--pair " + text + ": " + reason + "; choose from "
                            + names(Jobs.BEST_EFFORT) + ", " + names(Jobs.BATCHES));
                }
            }
            return new Pair(halves[0], bestEffort);
        }

        @Override
        public String toString() {
            return critical + " beside " + String.join(" and ", bestEffort);
        }
    }

    private static String names(Collection<String> names) {
        return String.join(", ", names);
    }
}
