package io.sluice.sharing;

import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.policy.BestEffortClient;
import io.sluice.sharing.policy.CriticalServer;
import io.sluice.sharing.policy.SharedGpu;
import io.sluice.sharing.policy.SharingPolicies;
import io.sluice.sharing.policy.SharingPolicy;
import io.sluice.sharing.workload.Calibration;
import io.sluice.sharing.workload.Jobs;
import io.sluice.sharing.workload.Program;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Runs any policy in any scenario on the simulated GPU and says what it did. Every policy gets the same arrivals and the
 * same device; the same scenario gives the same result to the last bit. Stateless and safe to share.
 */
public final class SharingComparison {

    /** What one seed gave. */
    private record Run(
            long[] service,
            long[] response,
            long[] waiting,
            double bestEffort,
            double joules,
            long switches,
            double offered,
            double ended) {}

    private SharingComparison() {}

    /** The policies of {@code names} in one scenario, in that order. */
    public static List<SharingResult> compare(List<String> names, SharingScenario scenario) {
        return compare(names, scenario, result -> {});
    }

    /** The same; {@code each} gets every result when it is there. */
    public static List<SharingResult> compare(
            List<String> names, SharingScenario scenario, Consumer<SharingResult> each) {
        List<SharingResult> results = new ArrayList<>();
        Alone alone = alone(scenario);
        for (String name : names) {
            results.add(run(name, () -> SharingPolicies.named(name, objective(alone, scenario)), scenario, alone));
            each.accept(results.get(results.size() - 1));
        }
        return results;
    }

    /** Service time that our policy is asked to keep in 99 % of the requests of this scenario, nanoseconds. */
    public static long objectiveNanos(SharingScenario scenario) {
        return objective(alone(scenario), scenario);
    }

    /** One policy of {@link SharingPolicies#NAMES} in one scenario. */
    public static SharingResult run(String name, SharingScenario scenario) {
        return compare(List.of(name), scenario).get(0);
    }

    /** What our policy keeps: the scenario's factor times the p99 of service times alone. */
    private static long objective(Alone alone, SharingScenario scenario) {
        return Math.round(alone.serviceP99() * scenario.violationFactor());
    }

    /** One policy of your own in one scenario; {@code policy} gives a new one for each seed. */
    public static SharingResult run(String name, Supplier<SharingPolicy> policy, SharingScenario scenario) {
        return run(name, policy, scenario, alone(scenario));
    }

    /**
     * Policies in the first {@code windowNanos} after the load step of a scenario with {@link
     * SharingScenario.Traffic#STEP}; the step is in the middle of the measured time.
     */
    public static List<StepResponse> afterStep(List<String> names, SharingScenario scenario, long windowNanos) {
        if (scenario.traffic() != SharingScenario.Traffic.STEP || windowNanos < 1) {
            throw new IllegalArgumentException("traffic " + scenario.traffic() + " with a window of " + windowNanos
                    + " ns: a response to a step needs traffic STEP and a positive window");
        }
        Alone alone = alone(scenario);
        List<StepResponse> responses = new ArrayList<>();
        for (String name : names) {
            responses.add(afterStep(name, scenario, windowNanos, alone));
        }
        return responses;
    }

    private static StepResponse afterStep(String name, SharingScenario scenario, long windowNanos, Alone alone) {
        Program program = Jobs.critical(scenario.critical(), scenario.device(), scenario.calibration());
        double serviceMax = scenario.violationFactor() * alone.serviceP99();
        double responseMax = scenario.violationFactor() * alone.responseP99();
        int count = 0;
        int[] over = new int[3];
        for (int i = 0; i < scenario.seeds().size(); i++) {
            long seed = scenario.seeds().get(i);
            Supplier<SharingPolicy> policy = () -> SharingPolicies.named(name, objective(alone, scenario));
            Run run = once(policy, scenario, program, alone.serviceNanos(), seed, alone.soloRates());
            long[] arrivals = scenario.arrivals(alone.serviceNanos(), seed);
            long step = scenario.warmupNanos() + scenario.spanNanos() / 2;
            int first = between(arrivals, scenario.warmupNanos(), step);
            int in = between(arrivals, step, step + windowNanos);
            count += in;
            over[0] += over(run.service(), first, in, serviceMax);
            over[1] += over(run.response(), first, in, responseMax);
            over[2] += over(alone.runs().get(i).response(), first, in, responseMax);
        }
        double all = Math.max(1, count);
        return new StepResponse(name, count, over[0] / all, over[1] / all, over[2] / all);
    }

    private static int between(long[] arrivals, long from, long until) {
        return (int)
                Arrays.stream(arrivals).filter(at -> at >= from && at < until).count();
    }

    /** Of {@code count} requests from the {@code first} on; one that has not ended is over. */
    private static int over(long[] nanos, int first, int count, double limit) {
        int over = 0;
        for (int i = first; i < first + count; i++) {
            over += i >= nanos.length || nanos[i] > limit ? 1 : 0;
        }
        return over;
    }

    /** Where a policy's time went in the first seed of a scenario, see {@link SharingPolicy#account}. */
    public static String account(String name, SharingScenario scenario) {
        Program program = Jobs.critical(scenario.critical(), scenario.device(), scenario.calibration());
        Alone alone = alone(scenario);
        SharingPolicy policy = SharingPolicies.named(name, objective(alone, scenario));
        once(
                () -> policy,
                scenario,
                program,
                alone.serviceNanos(),
                scenario.seeds().get(0),
                alone.soloRates());
        return policy.account();
    }

    /** The server alone with the same arrivals. */
    private record Alone(double serviceNanos, List<Run> runs, long serviceP99, long responseP99, double[] soloRates) {}

    private static Alone alone(SharingScenario scenario) {
        Program program = Jobs.critical(scenario.critical(), scenario.device(), scenario.calibration());
        double service = serviceAlone(scenario, program);
        double[] rates = new double[scenario.bestEffort().size()];
        for (int i = 0; i < rates.length; i++) {
            rates[i] = soloRate(scenario, job(scenario, i));
        }
        List<Run> runs = new ArrayList<>();
        for (long seed : scenario.seeds()) {
            runs.add(once(() -> SharingPolicies.named("none"), scenario, program, service, seed, rates));
        }
        long[] services = Quantiles.sorted(runs.stream().map(Run::service).toList());
        if (services.length == 0) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "no request of %s ends in the measured %s s even alone: one lasts %.3f s and arrives every %.3f s;"
                            + " measure longer",
                    scenario.critical(),
                    scenario.spanNanos() / 1e9,
                    service / 1e9,
                    service / 1e9 / scenario.load()));
        }
        long[] responses = Quantiles.sorted(runs.stream().map(Run::response).toList());
        return new Alone(service, runs, Quantiles.of(services, 0.99), Quantiles.of(responses, 0.99), rates);
    }

    private static Program job(SharingScenario scenario, int i) {
        return Jobs.bestEffort(scenario.bestEffort().get(i), scenario.device(), scenario.calibration());
    }

    /** Service time of one request alone, without jitter of its own: the mean, by which loads are meant. */
    private static double serviceAlone(SharingScenario scenario, Program program) {
        Calibration even = scenario.calibration().withRequestJitter(0);
        SharedGpu shared = new SharedGpu(scenario.device(), even, SharingPolicies.named("none"));
        CriticalServer server = shared.serve(program, new long[] {0}, 1);
        long span = (long) (4 * program.deviceNanos(scenario.device())) + 1_000_000;
        shared.run(span);
        if (server.ended() == 0) {
            throw new IllegalStateException("request of " + program.name() + " did not end alone in " + span + " ns");
        }
        return server.lastServiceNanos();
    }

    /** Progress per nanosecond of a best-effort client alone, over its first round. */
    private static double soloRate(SharingScenario scenario, Program program) {
        SharedGpu shared = new SharedGpu(scenario.device(), scenario.calibration(), SharingPolicies.named("mps"));
        BestEffortClient client = shared.add(program);
        long step = Math.max(1, (long) (program.deviceNanos(scenario.device()) / 100));
        while (client.rounds() == 0) {
            shared.run(shared.gpu().now() + step);
        }
        double work = 0;
        for (Kernel kernel : program.kernels()) {
            work += kernel.soloNanos(scenario.device().sms(), scenario.device().residency(kernel.shape()));
        }
        return work / (client.roundEndNanos() + program.hostNanos());
    }

    private static Run once(
            Supplier<SharingPolicy> policy,
            SharingScenario scenario,
            Program program,
            double serviceNanos,
            long seed,
            double[] soloRates) {
        SharedGpu shared = new SharedGpu(scenario.device(), scenario.calibration(), policy.get());
        long[] arrivals = scenario.arrivals(serviceNanos, seed);
        CriticalServer server = shared.serve(program, arrivals, seed);
        for (int i = 0; i < soloRates.length; i++) {
            shared.add(job(scenario, i));
        }
        shared.run(scenario.warmupNanos());
        double joules = shared.gpu().joules();
        double[] before = shared.clients().stream()
                .mapToDouble(BestEffortClient::doneNanos)
                .toArray();
        shared.run(scenario.warmupNanos() + scenario.spanNanos());
        double throughput = 0;
        for (int i = 0; i < soloRates.length; i++) {
            double done = shared.clients().get(i).doneNanos() - before[i];
            throughput += done / scenario.spanNanos() / soloRates[i];
        }
        int offered = (int) Arrays.stream(arrivals)
                .filter(at -> at >= scenario.warmupNanos())
                .count();
        long[] service = server.serviceNanos(scenario.warmupNanos());
        if (service.length == 0) { // the queue of an overloaded server: what it serves arrived before
            service = server.serviceOfEndedNanos(scenario.warmupNanos());
        }
        return new Run(
                service,
                server.responseNanos(scenario.warmupNanos()),
                server.waitingNanos(scenario.warmupNanos()),
                throughput,
                shared.gpu().joules() - joules,
                shared.switches(),
                offered,
                server.endedSince(scenario.warmupNanos()));
    }

    private static SharingResult run(
            String name, Supplier<SharingPolicy> policy, SharingScenario scenario, Alone alone) {
        Program program = Jobs.critical(scenario.critical(), scenario.device(), scenario.calibration());
        List<Run> runs = new ArrayList<>();
        for (long seed : scenario.seeds()) {
            runs.add(once(policy, scenario, program, alone.serviceNanos(), seed, alone.soloRates()));
        }
        return summary(name, scenario, alone, runs);
    }

    private static SharingResult summary(String name, SharingScenario scenario, Alone alone, List<Run> runs) {
        List<long[]> services = runs.stream().map(Run::service).toList();
        List<long[]> responses = runs.stream().map(Run::response).toList();
        long[] service = Quantiles.sorted(services);
        long[] response = Quantiles.sorted(responses);
        double[] bestEffort = runs.stream().mapToDouble(Run::bestEffort).toArray();
        double offered = runs.stream().mapToDouble(Run::offered).sum();
        double mean = Arrays.stream(service).average().orElse(0);
        double gap = scenario.spanNanos() * (double) runs.size() / Math.max(1, offered);
        double limit = scenario.violationFactor() * alone.responseP99();
        long violations = Arrays.stream(response).filter(nanos -> nanos > limit).count();
        for (Run run : runs) {
            violations +=
                    Arrays.stream(run.waiting()).filter(nanos -> nanos > limit).count();
        }
        long p99 = Quantiles.of(service, 0.99);
        long responseP99 = Quantiles.of(response, 0.99);
        boolean none = service.length == 0;
        double utilisation = none ? Double.POSITIVE_INFINITY : mean / gap;
        return new SharingResult(
                name,
                scenario,
                Quantiles.of(service, 0.5),
                p99,
                Quantiles.interval(services, 0.99, 17),
                mean,
                Quantiles.of(response, 0.5),
                responseP99,
                Quantiles.of(response, 0.999),
                Quantiles.interval(responses, 0.99, 18),
                none ? Double.NaN : (double) p99 / Math.max(1, alone.serviceP99()) - 1,
                (double) responseP99 / Math.max(1, alone.responseP99()) - 1,
                violations / Math.max(1, offered),
                Arrays.stream(bestEffort).average().orElse(0),
                Quantiles.meanInterval(bestEffort, 19),
                runs.stream().mapToDouble(Run::ended).sum() / Math.max(1, offered),
                utilisation,
                utilisation >= 1,
                runs.stream().mapToDouble(Run::joules).average().orElse(0),
                runs.stream().mapToLong(Run::switches).sum(),
                service.length,
                runs.size() * (scenario.warmupNanos() + scenario.spanNanos()) * 1e-9);
    }
}
