package io.sluice.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.launcher.demo.LoadRun;
import io.sluice.launcher.demo.WorkerShares;
import io.sluice.launcher.demo.WorkerShares.Share;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.WorkersFile;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Allocation;
import io.sluice.records.Completion;
import io.sluice.records.WorkerFlow;
import io.sluice.schemas.Topics;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.IsolationLevel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The demo's four unlike emulated devices: what each carries follows the plan, and the plan follows a device that
 * becomes slower while load runs.
 */
class SharesIT {
    private static final Logger LOG = LoggerFactory.getLogger(SharesIT.class);
    private static final int REQUESTS = 200;
    private static final int IN_FLIGHT = 32;
    private static final double TOLERANCE = 0.15;

    /** Slow enough that its pace, not this machine, decides what it does, however busy this machine is. */
    private static final String SLOWED = "l4";
    /** Requests of one round of the load that runs on while the device slows down. */
    private static final int ROUND = 100;
    /** Answered before the device slows down: the load then is in full swing. */
    private static final int BEFORE_SLOWING = 40;
    /** Against the steady load's: a share visibly smaller, a capacity that noise does not explain. */
    private static final double SMALLER = 0.85;

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @TempDir
    Path folder;

    @Test
    void shouldSplitLoadAsPlannedAndPlanAnewWhenADeviceSlowsDown() throws Exception {
        try (EmbeddedStack stack = PsalmStack.start(folder, WorkersFile.defaults())) {
            LoadRun.Result first =
                    PsalmStack.play(stack, "steady", REQUESTS, IN_FLIGHT, new LoadGenerator.Listener() {});
            List<Share> shares = WorkerShares.of(PsalmStack.completions(first, REQUESTS), first.allocations());
            LOG.info(
                    "load=steady requests={} seconds={} epochs={}{}",
                    REQUESTS,
                    first.run().durationSeconds(),
                    first.allocations().keySet(),
                    table(shares));
            assertFollowPlan(shares, 4);

            slowDown(stack, planned(shares), meanCapacity(first));
        }
    }

    /**
     * @param usualShare planned for the slowed worker while it was as fast as ever
     * @param usualCapacity its capacity then, tokens/s
     */
    private static void slowDown(EmbeddedStack stack, double usualShare, double usualCapacity) throws Exception {
        Load load = Load.start(stack);
        try (TopicTail<Allocation> allocations = TopicTail.fromBeginning(
                stack.settings(), stack.schemas(), Topics.ALLOCATIONS, IsolationLevel.READ_COMMITTED)) {
            assertThat(load.running().await(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                    .as("%d requests of the second load were answered", BEFORE_SLOWING)
                    .isTrue();
            AtomicReference<Allocation> newest = new AtomicReference<>();
            await().atMost(PATIENCE).until(() -> {
                poll(allocations, newest);
                return newest.get() != null && allocations.atEnd();
            });
            Allocation before = newest.get();
            halveSpeed(stack);
            long slowedNanos = System.nanoTime();
            await("an allocation that gives the slowed worker a visibly smaller share")
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> {
                        poll(allocations, newest);
                        return newest.get().getEpoch() > before.getEpoch()
                                && share(newest.get()) <= SMALLER * usualShare
                                && capacity(newest.get()) <= SMALLER * SMALLER * usualCapacity;
                    });
            Allocation after = newest.get();
            LOG.info(
                    "slowed={} seconds={} target_seconds=3 epoch={} planned={} capacity={} former_epoch={} usual_planned={}"
                            + " usual_capacity={} reason={}",
                    SLOWED,
                    (System.nanoTime() - slowedNanos) / 1e9,
                    after.getEpoch(),
                    share(after),
                    capacity(after),
                    before.getEpoch(),
                    usualShare,
                    usualCapacity,
                    after.getReason());

            List<Completion> following = load.finish().stream()
                    .filter(completion -> completion.getEpoch() >= after.getEpoch())
                    .toList();
            List<Share> shares = WorkerShares.of(
                    following, LoadRun.allocations(stack.settings(), stack.schemas(), ReferenceModel.NAME));
            LOG.info("load=slowed requests={} from_epoch={}{}", following.size(), after.getEpoch(), table(shares));
            // The router may use the allocation a little later than this test sees it.
            assertThat(following.size()).isGreaterThanOrEqualTo(ROUND / 2);
            assertFollowPlan(shares, 4);
            assertThat(shares)
                    .filteredOn(share -> share.worker().equals(SLOWED))
                    .singleElement()
                    .satisfies(share -> assertThat(share.measured()).isLessThan(SMALLER * usualShare));
        }
    }

    /** Rounds of requests, one after another until {@link #finish}. */
    private record Load(CountDownLatch running, AtomicBoolean enough, CompletableFuture<List<Completion>> completions) {
        static Load start(EmbeddedStack stack) {
            Load load = new Load(new CountDownLatch(BEFORE_SLOWING), new AtomicBoolean(), new CompletableFuture<>());
            Thread.ofPlatform().daemon().name("second-load").start(() -> load.play(stack));
            return load;
        }

        private void play(EmbeddedStack stack) {
            List<Completion> all = new ArrayList<>();
            try {
                boolean last = false;
                for (int round = 1; !last; round++) {
                    // Decided before the round: all of the last one comes after the call for the end.
                    last = enough.get();
                    LoadRun.Result result =
                            PsalmStack.play(stack, "slowed-" + round, ROUND, IN_FLIGHT, new LoadGenerator.Listener() {
                                @Override
                                public void onEnd(RequestOutcome outcome, int ended, int total) {
                                    running.countDown();
                                }
                            });
                    all.addAll(PsalmStack.completions(result, ROUND));
                }
                completions.complete(all);
            } catch (InterruptedException | RuntimeException | Error e) {
                completions.completeExceptionally(e);
            }
        }

        /** Everything that was served, after one more round. */
        List<Completion> finish() throws Exception {
            enough.set(true);
            return completions.get(2 * PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
    }

    private static void poll(TopicTail<Allocation> allocations, AtomicReference<Allocation> newest) {
        allocations.poll(Duration.ofMillis(20)).forEach(tailed -> newest.set(tailed.value()));
    }

    private static void halveSpeed(EmbeddedStack stack) throws Exception {
        String metrics = stack.description().workers().stream()
                .filter(worker -> worker.id().equals(SLOWED))
                .findFirst()
                .orElseThrow()
                .metrics();
        HttpRequest request = HttpRequest.newBuilder(URI.create(metrics + "/device/speed"))
                .PUT(HttpRequest.BodyPublishers.ofString("0.5"))
                .build();
        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        }
    }

    private static double planned(List<Share> shares) {
        return shares.stream()
                .filter(share -> share.worker().equals(SLOWED))
                .mapToDouble(Share::planned)
                .sum();
    }

    /** Over the allocations that requests of a load were routed by. */
    private static double meanCapacity(LoadRun.Result result) {
        return result.run().outcomes().stream()
                .mapToDouble(outcome ->
                        capacity(result.allocations().get(outcome.completion().getEpoch())))
                .average()
                .orElseThrow();
    }

    /** The share of all flow that an allocation plans for the slowed worker; 1 when it carries none at all. */
    private static double share(Allocation allocation) {
        return allocation.getMaxFlowTokensPerS() <= 0
                ? 1
                : slowed(allocation).getFlowTokensPerS() / allocation.getMaxFlowTokensPerS();
    }

    private static double capacity(Allocation allocation) {
        return slowed(allocation).getCapacityTokensPerS();
    }

    private static WorkerFlow slowed(Allocation allocation) {
        return allocation.getWorkers().stream()
                .filter(flow -> flow.getWorker().equals(SLOWED))
                .findFirst()
                .orElseThrow(() -> new AssertionError(SLOWED + " is not in allocation " + allocation.getEpoch()));
    }

    private static void assertFollowPlan(List<Share> shares, int workers) {
        assertThat(shares).hasSize(workers);
        assertThat(shares).allSatisfy(share -> assertThat(share.measured())
                .as("share of %s, planned %.3f", share.worker(), share.planned())
                .isBetween(share.planned() * (1 - TOLERANCE), share.planned() * (1 + TOLERANCE)));
    }

    private static String table(List<Share> shares) {
        StringBuilder table = new StringBuilder("\nworker  layers  planned  measured  error\n");
        shares.forEach(share -> table.append(String.format(
                Locale.ROOT,
                "%-6s  %6s  %6.1f%%  %7.1f%%  %+4.1f%%%n",
                share.worker(),
                share.layers(),
                100 * share.planned(),
                100 * share.measured(),
                100 * (share.measured() / share.planned() - 1))));
        return table.toString();
    }
}
