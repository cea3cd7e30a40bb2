package io.sluice.sharing;

/**
 * What a policy does to the requests that arrive soon after a load step, before anything can have been profiled again.
 *
 * @param requests of all seeds that arrived in the window
 * @param serviceViolations part of them whose service time exceeded the scenario's factor times the p99 alone
 * @param responseViolations the same of response times; the p99 alone is that of the same arrivals, waiting included
 * @param responseViolationsAlone the same of the server alone: what the step itself does
 */
public record StepResponse(
        String policy,
        int requests,
        double serviceViolations,
        double responseViolations,
        double responseViolationsAlone) {}
