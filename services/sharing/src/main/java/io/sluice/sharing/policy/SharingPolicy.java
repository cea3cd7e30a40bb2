package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.Kernel;

/**
 * Decides when and how best-effort kernels run beside a latency-critical server. Called by one thread; every callback
 * may launch, stop or switch. The same instance serves one run.
 */
public interface SharingPolicy {
    /** The device as this policy sets it up, of the same size: groups of SMs for masked pools. */
    default GpuSpec device(GpuSpec spec) {
        return spec;
    }

    /** Makes streams for the server and the clients; called once, before anything runs. */
    void begin(SharedGpu shared);

    /** A best-effort kernel, or what is left of one after a slice or a retreat, waits to be launched. */
    void kernelReady(BestEffortClient client);

    /** A client's host keeps the device idle for a while: nothing waits. */
    default void clientIdle(BestEffortClient client) {}

    /** The server began a request; its first kernel follows. */
    default void requestBegan() {}

    /** The server ended a request. */
    default void requestEnded() {}

    /** The server launches this kernel. */
    default void criticalKernel(Kernel kernel) {}

    /** A request has its input: {@code start} launches its first kernel; a policy that makes it wait runs that later. */
    default void admit(Runnable start) {
        start.run();
    }

    /** Changes of pool so far. */
    default long switches() {
        return 0;
    }

    /** Where its time went so far, one line per reason; empty: it keeps no account. */
    default String account() {
        return "";
    }
}
