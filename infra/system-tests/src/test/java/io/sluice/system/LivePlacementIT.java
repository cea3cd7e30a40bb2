package io.sluice.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.live.LiveObjective;
import io.sluice.core.planning.live.PlacementPolicy;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.WorkerSpec;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.records.Allocation;
import io.sluice.records.Placement;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running stack under load gets a worker, then loses one by {@code kill -9}: both times a new placement is published and
 * carried out step by step, the flow of the allocations stays above the promised floor, and no session is lost, neither
 * to a transition nor with the worker.
 *
 * <p>What is compared is what is published: the max flow of every allocation that is made over a placement, by the speeds
 * measured at that time, against the floor that the first placement promises. It counts to the end, also where a way is
 * planned anew and promises another one. It must be the floor asked for, not one lowered because no order of changes
 * keeps it.
 */
@Tag("long")
class LivePlacementIT {
    private static final Logger LOG = LoggerFactory.getLogger(LivePlacementIT.class);
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration ROUND_PATIENCE = Duration.ofSeconds(100);
    private static final int ROUND = 24;
    private static final int IN_FLIGHT = 6;
    private static final int LAYERS = 6;
    private static final String ADDED = "t4-4";

    @TempDir
    Path folder;

    @Test
    void shouldPlaceAnewWhenAWorkerComesAndWhenOneIsLost() throws Exception {
        List<WorkerSpec> three = List.of(worker("t4-1"), worker("t4-2"), worker("t4-3"));
        PlacementPolicy policy = PlacementPolicy.DEFAULT
                // What is compared with the floor and with the allocations is flow.
                .withObjective(LiveObjective.FLOW)
                .withMinIntervalMillis(2_000)
                // One cause at a time: the load's own change of demand is none of this test's events.
                .withDriftMillis(Duration.ofHours(1).toMillis());
        try (EmbeddedStack stack = PsalmStack.startLive(folder, three, policy);
                PlacementLog log = new PlacementLog(stack)) {
            log.poll();
            Load load = Load.start(stack);
            assertThat(load.running().await(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                    .as("the load is answered")
                    .isTrue();
            settle(log);

            Change added = observe("add", log, () -> stack.addWorker(worker(ADDED)));
            assertThat(added.placement().getReason()).contains(ADDED + " joined");
            assertThat(PlacementLog.stages(log.placement())).containsKey(ADDED);

            String victim = replicated(log);
            Change killed = observe("kill", log, () -> stack.killWorker(new WorkerId(victim)));
            assertThat(killed.placement().getReason()).contains("worker " + victim + " left");
            assertThat(PlacementLog.stages(log.placement())).doesNotContainKey(victim);

            List<RequestOutcome> all = load.finish();
            assertThat(all).as("no session is lost").allSatisfy(outcome -> assertThat(outcome.completed())
                    .as("%s completed; its error: %s", outcome.request().getRequestId(), outcome.failure())
                    .isTrue());
            long moved = all.stream()
                    .filter(outcome -> outcome.completion().getAttempt() > 1)
                    .count();
            print(Map.of("event", "load", "requests", all.size(), "went_on_elsewhere", moved, "lost", 0));
        }
    }

    /** Room for five of six layers: no worker can serve the model alone. */
    private static WorkerSpec worker(String id) {
        return WorkerSpec.of(id, "emulated:t4").withMaxLayers(5);
    }

    /** Waits until nothing has moved for a moment, so that what comes next has one cause. */
    private static void settle(PlacementLog log) {
        await("the first placement is carried out").atMost(PATIENCE).until(() -> {
            log.poll();
            return log.arrived();
        });
    }

    /** A worker whose layers others hold, too. */
    private static String replicated(PlacementLog log) {
        Map<String, String> stages = PlacementLog.stages(log.placement());
        return stages.keySet().stream()
                .filter(worker -> !worker.equals(ADDED))
                .filter(worker -> {
                    Set<Integer> covered = new TreeSet<>();
                    log.placement().getStages().stream()
                            .filter(stage -> !stage.getWorker().equals(worker))
                            .forEach(stage -> {
                                for (int l = stage.getFirstLayer(); l < stage.getEndLayer(); l++) {
                                    covered.add(l);
                                }
                            });
                    return covered.size() == LAYERS;
                })
                .findFirst()
                .orElseThrow(() -> new AssertionError("no worker can be spared in " + stages));
    }

    /** @param placement first one of the transition that followed the event */
    private record Change(Placement placement) {}

    /** Causes an event and follows it until its last placement is what the allocation runs over. */
    private static Change observe(String event, PlacementLog log, Runnable cause) throws Exception {
        log.poll();
        long before = log.placement().getEpoch();
        Allocation allocationBefore = log.allocation();
        long began = System.nanoTime();
        cause.run();
        double caused = (System.nanoTime() - began) / 1e9;
        double[] placed = {0};
        await(event + ": a new placement, carried out")
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> {
                    log.poll();
                    boolean begun = log.placement().getEpoch() > before;
                    if (begun && placed[0] == 0) {
                        placed[0] = (System.nanoTime() - began) / 1e9;
                    }
                    return begun && log.arrived();
                });
        double applied = (System.nanoTime() - began) / 1e9;
        List<Placement> steps = log.placements.stream()
                .filter(placement -> placement.getEpoch() > before)
                .toList();
        Placement first = steps.getFirst();
        double floor = first.getFloorTokensPerS();
        List<Allocation> made = log.allocations.stream()
                .filter(allocation -> allocation.getPlacementEpoch() > before)
                .toList();
        double least = made.stream()
                .mapToDouble(Allocation::getMaxFlowTokensPerS)
                .min()
                .orElseThrow();
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("event", event);
        line.put("caused_s", caused);
        line.put("event_to_placement_s", placed[0]);
        line.put("event_to_applied_s", applied);
        line.put("placements", steps.size());
        line.put("flow_before", allocationBefore.getMaxFlowTokensPerS());
        line.put("floor", floor);
        line.put("least_flow", least);
        line.put("allocations", made.size());
        line.put("flow_after", log.allocation().getMaxFlowTokensPerS());
        line.put("stages", PlacementLog.stages(log.placement()));
        line.put("reason", first.getReason());
        print(line);
        assertThat(floor).as("floor promised").isPositive();
        assertThat(first.getReason()).as("the floor is as high as asked for").doesNotContain("no order of changes");
        assertThat(least)
                .as("%s: least max flow of the allocations until the last placement is carried out", event)
                .isGreaterThanOrEqualTo(floor);
        return new Change(first);
    }

    private static void print(Map<String, Object> line) throws Exception {
        LOG.info("{}", new ObjectMapper().writeValueAsString(line));
    }

    /** Rounds of requests, one after another until {@link #finish}. */
    private record Load(
            CountDownLatch running, AtomicBoolean enough, CompletableFuture<List<RequestOutcome>> outcomes) {
        static Load start(EmbeddedStack stack) {
            Load load = new Load(new CountDownLatch(ROUND / 2), new AtomicBoolean(), new CompletableFuture<>());
            Thread.ofPlatform().daemon().name("load").start(() -> load.play(stack));
            return load;
        }

        private void play(EmbeddedStack stack) {
            List<RequestOutcome> all = new ArrayList<>();
            LoadGenerator.Listener counter = new LoadGenerator.Listener() {
                @Override
                public void onEnd(RequestOutcome outcome, int ended, int total) {
                    running.countDown();
                }
            };
            try {
                boolean last = false;
                for (int round = 1; !last; round++) {
                    last = enough.get();
                    all.addAll(PsalmStack.play(stack, "live-" + round, ROUND, IN_FLIGHT, ROUND_PATIENCE, counter)
                            .run()
                            .outcomes());
                }
                outcomes.complete(all);
            } catch (InterruptedException | RuntimeException | Error e) {
                outcomes.completeExceptionally(e);
            }
        }

        List<RequestOutcome> finish() throws Exception {
            enough.set(true);
            return outcomes.get(2 * PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
    }
}
