package io.sluice.sharing.policy;

/**
 * Sequential execution as GPreempt's evaluation compares it (Fan et al., ATC'25, section 5.1, and its repository): one lock
 * on the device; a best-effort client holds it for a whole round, a request for its kernels. Requests go first, so one
 * waits for the end of one round; between two requests, while the next one's input is copied, clients may take it.
 */
final class SequentialPolicy implements SharingPolicy {
    private SharedGpu shared;
    private BestEffortClient holder;
    private Runnable waiting;
    private int turn;

    @Override
    public void begin(SharedGpu device) {
        shared = device;
        device.streams(0, 0, false, 0);
    }

    @Override
    public void kernelReady(BestEffortClient client) {
        if (client == holder) {
            if (client.index() > 0 || client.left() < client.kernel().blocks()) {
                client.launchAll(shared.gpu().spec().kernelGapNanos());
                return;
            }
            release();
        }
        offer();
    }

    @Override
    public void clientIdle(BestEffortClient client) {
        if (client == holder) {
            release();
            offer();
        }
    }

    @Override
    public void admit(Runnable start) {
        if (holder == null) {
            start.run();
        } else {
            waiting = start;
        }
    }

    @Override
    public void requestEnded() {
        offer();
    }

    private void release() {
        holder = null;
        if (waiting != null) {
            Runnable start = waiting;
            waiting = null;
            start.run();
        }
    }

    /** The lock for the next client in turn that waits for it, unless a request has it or waits. */
    private void offer() {
        if (holder != null || shared.criticalLaunched()) {
            return;
        }
        int count = shared.clients().size();
        for (int i = 0; i < count && holder == null; i++) {
            BestEffortClient client = shared.clients().get((turn + i) % count);
            if (client.ready()) {
                holder = client;
                turn += i + 1;
                client.launchAll(shared.gpu().spec().kernelGapNanos());
            }
        }
    }
}
