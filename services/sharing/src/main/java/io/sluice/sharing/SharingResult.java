package io.sluice.sharing;

/**
 * What one policy did in one scenario. Latencies are in nanoseconds; each interval is the 95 % bootstrap interval over
 * runs and requests, [low, high].
 *
 * @param serviceP50Nanos median time from begin to end on the server, what published systems report
 * @param responseP99Nanos time from arrival to end, waiting included
 * @param serviceOverhead service p99 over the p99 alone with the same arrivals, minus 1; NaN: no request ended
 * @param responseOverhead the same of response times; of no use when {@link #overloaded}
 * @param violationRate part of requests whose response exceeded the limit (factor times the response p99 alone)
 * @param bestEffortThroughput progress of all best-effort clients, each against itself alone, summed
 * @param criticalThroughput requests that ended over requests that arrived in the measured time
 * @param utilisation mean service time over mean gap between arrivals; at 1 or more the queue only grows
 * @param overloaded whether utilisation is 1 or more: latencies then grow with the length of the run
 * @param joules energy of the measured time, mean of the runs
 * @param contextSwitches changes of context, or of pool, in all runs
 * @param requests requests measured in all runs: those that arrived in the measured time and ended or, where an overloaded
 *     server has served none of these, those that ended in it
 * @param simulatedSeconds virtual time of all runs, warm-up included
 */
public record SharingResult(
        String policy,
        SharingScenario scenario,
        long serviceP50Nanos,
        long serviceP99Nanos,
        double[] serviceP99Interval,
        double serviceMeanNanos,
        long responseP50Nanos,
        long responseP99Nanos,
        long responseP999Nanos,
        double[] responseP99Interval,
        double serviceOverhead,
        double responseOverhead,
        double violationRate,
        double bestEffortThroughput,
        double[] bestEffortInterval,
        double criticalThroughput,
        double utilisation,
        boolean overloaded,
        double joules,
        long contextSwitches,
        int requests,
        double simulatedSeconds) {

    public SharingResult {
        serviceP99Interval = serviceP99Interval.clone();
        responseP99Interval = responseP99Interval.clone();
        bestEffortInterval = bestEffortInterval.clone();
    }

    @Override
    public double[] serviceP99Interval() {
        return serviceP99Interval.clone();
    }

    @Override
    public double[] responseP99Interval() {
        return responseP99Interval.clone();
    }

    @Override
    public double[] bestEffortInterval() {
        return bestEffortInterval.clone();
    }

    /** The server's throughput (against its load) and the best-effort throughput together. */
    public double systemThroughput() {
        return criticalThroughput + bestEffortThroughput;
    }
}
