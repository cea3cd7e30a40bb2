package io.sluice.core.planning.live;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.BatchCost;
import io.sluice.core.planning.DeviceSample;
import io.sluice.core.planning.Holding;
import io.sluice.core.planning.MemberStatus;
import io.sluice.core.planning.PublishedPlacement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Workers that do what a placement says, one report later. */
final class FakeWorkers {
    private final String model;
    private final TreeMap<String, Worker> workers = new TreeMap<>();
    private final List<String> overfull = new ArrayList<>();
    private final TreeMap<String, Integer> starts = new TreeMap<>();
    private PublishedPlacement placement;
    private long sequence;
    private double promptPart = 0.5;
    private boolean idle;
    private boolean costs = true;
    private long kvTokens = 4_096;

    private static final class Worker {
        private double announced;
        private double speed;
        private int fit;
        private Optional<LayerRange> served = Optional.empty();
        private List<LayerRange> left = List.of();
        private long epoch;
        private boolean held;
        private boolean draining;
    }

    FakeWorkers(String model) {
        this.model = model;
    }

    /** @param speed through one layer, tokens/s */
    void start(String id, double speed, int fit) {
        Worker worker = new Worker();
        worker.announced = speed;
        worker.speed = speed;
        worker.fit = fit;
        starts.merge(id, 1, Integer::sum);
        Worker before = workers.put(id, worker);
        worker.held = before != null && before.held;
    }

    /** Whether workers announce what a batch costs. */
    void costs(boolean announced) {
        costs = announced;
    }

    /** @param part of the tokens that are prompts */
    void prompts(double part) {
        promptPart = part;
    }

    /** Whether no token passes. */
    void idle(boolean none) {
        idle = none;
    }

    /** @param tokens of KV cache in one layer that every worker announces */
    void kvTokens(long tokens) {
        kvTokens = tokens;
    }

    void kill(String id) {
        workers.remove(id);
    }

    void killAny(SplittableRandom random) {
        if (workers.size() > 1) {
            workers.remove(List.copyOf(workers.keySet()).get(random.nextInt(workers.size())));
        }
    }

    /** How often it was started. */
    long incarnation(String id) {
        return starts.getOrDefault(id, 1);
    }

    boolean alive(WorkerId id) {
        return workers.containsKey(id.value());
    }

    void speed(String id, double speed) {
        workers.get(id).speed = speed;
    }

    /** Carries nothing out until released. */
    void hold(String id) {
        workers.computeIfAbsent(id, ignored -> new Worker()).held = true;
    }

    void release(String id) {
        workers.get(id).held = false;
    }

    /** Whether sessions keep the layers that it gives up in memory. */
    void draining(String id, boolean draining) {
        workers.get(id).draining = draining;
    }

    void see(PublishedPlacement newer) {
        if (placement == null || newer.plan().epoch() > placement.plan().epoch()) {
            placement = newer;
        }
    }

    /** Workers that were told to hold more than they can. */
    List<String> overfull() {
        return overfull;
    }

    List<MemberStatus> statuses(long now) {
        List<MemberStatus> statuses = new ArrayList<>();
        workers.forEach((id, w) -> {
            if (w.fit == 0) {
                return;
            }
            if (placement != null && !w.held && w.epoch < placement.plan().epoch()) {
                carryOut(id, w);
            }
            if (!w.draining) {
                w.left = List.of();
            }
            List<LayerRange> loaded = new ArrayList<>(w.left);
            w.served.ifPresent(loaded::add);
            int measured = w.served.map(LayerRange::size).orElse(1);
            statuses.add(new MemberStatus(
                    model,
                    new WorkerId(id),
                    MemberStatus.State.JOINED,
                    incarnation(id),
                    new Holding(w.served, loaded, w.fit, w.epoch, w.left.size()),
                    "r",
                    kvTokens / measured,
                    w.announced / measured,
                    w.announced / measured,
                    1e9,
                    costs
                            ? new BatchCost(0, 1e6 * measured / w.announced, 1e6 * measured / w.announced)
                            : BatchCost.UNKNOWN,
                    now));
        });
        return statuses;
    }

    private void carryOut(String id, Worker w) {
        Optional<LayerRange> wanted = placement.plan().stageOf(new WorkerId(id)).map(Stage::layers);
        List<LayerRange> memory = new ArrayList<>(w.left);
        w.served.ifPresent(memory::add);
        int together = wanted.map(
                        r -> new Holding(w.served, memory.isEmpty() ? List.of() : memory, w.fit, 0, 0).layersWith(r))
                .orElse(0);
        if (together > w.fit) {
            overfull.add(id + " was told to hold " + memory + " and " + wanted + " with room for " + w.fit);
        }
        if (w.draining && w.served.isPresent() && !w.served.equals(wanted)) {
            w.left = List.of(w.served.get());
        }
        w.served = wanted;
        w.epoch = placement.plan().epoch();
    }

    List<DeviceSample> heartbeats(long now) {
        List<DeviceSample> samples = new ArrayList<>();
        workers.forEach((id, w) -> {
            if (w.fit > 0) {
                int measured = w.served.map(LayerRange::size).orElse(1);
                // 40 s of work in 40 s of time, so that rounding does not count.
                long tokens = Math.round(100 * w.speed / measured);
                // No two reports are alike.
                long prompts = idle ? 0 : Math.round(tokens * promptPart) + (sequence * 2_654_435_761L >>> 16) % 5;
                samples.add(new DeviceSample(
                        model,
                        new WorkerId(id),
                        incarnation(id),
                        ++sequence,
                        now,
                        250,
                        idle ? 0 : 100_000_000,
                        idle ? 0 : 1,
                        prompts,
                        idle ? 0 : tokens - prompts,
                        idle ? 0 : 100));
            }
        });
        return samples;
    }
}
