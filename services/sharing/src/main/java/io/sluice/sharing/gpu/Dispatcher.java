package io.sluice.sharing.gpu;

import java.util.List;

/**
 * Gives free places on SMs to the heads of streams: higher priority first; streams of equal priority share what is free
 * in equal parts of threads, then take what the others leave.
 */
final class Dispatcher {
    /** Cohorts of one launch on one group; more are merged. Four changed no figure by more than 3 % at twice the steps. */
    static final int COHORTS_MAX = 2;

    /** Receives the blocks that start. */
    interface Start {
        void blocks(Launch launch, int group, int count);
    }

    private final GpuSpec spec;
    private final SmGroup[] groups;
    private final Start start;
    private final Launch[] ready = new Launch[64];
    private int turn;

    Dispatcher(GpuSpec spec, SmGroup[] groups, Start start) {
        this.spec = spec;
        this.groups = groups;
        this.start = start;
    }

    /** Streams are ordered by falling priority. */
    void dispatch(List<GpuStream> streams, int activeContext, long now) {
        int i = 0;
        while (i < streams.size()) {
            int priority = streams.get(i).priority;
            int count = 0;
            for (; i < streams.size() && streams.get(i).priority == priority; i++) {
                GpuStream stream = streams.get(i);
                Launch head = stream.head;
                boolean active = activeContext == SimulatedGpu.ALL_CONTEXTS || stream.context == activeContext;
                if (active && head != null && head.readyNanos <= now && head.wantsBlocks()) {
                    ready[count++] = head;
                }
            }
            if (count == 1) {
                fill(ready[0], Long.MAX_VALUE);
            } else if (count > 1) {
                shareOut(count);
            }
        }
    }

    private void shareOut(int count) {
        turn++;
        for (int g = 0; g < groups.length; g++) {
            for (int k = 0; k < count; k++) {
                Launch launch = ready[(turn + k) % count];
                int asking = 0;
                for (int j = k; j < count; j++) {
                    Launch other = ready[(turn + j) % count];
                    asking += (other.stream.mask >> g & 1) != 0 && other.wantsBlocks() ? 1 : 0;
                }
                long free = (long) groups[g].sms * spec.threadsPerSm() - groups[g].threads;
                fill(launch, g, asking == 0 ? 0 : free / asking);
            }
        }
        for (int k = 0; k < count; k++) {
            fill(ready[(turn + k) % count], Long.MAX_VALUE);
        }
    }

    private void fill(Launch launch, long threadsMax) {
        for (int g = 0; g < groups.length; g++) {
            fill(launch, g, threadsMax);
        }
    }

    private void fill(Launch launch, int g, long threadsMax) {
        if ((launch.stream.mask >> g & 1) == 0 || !launch.wantsBlocks()) {
            return;
        }
        SmGroup group = groups[g];
        int blocks = group.fit(launch, launch.residency, launch.runningIn[g]);
        if (blocks == 0) {
            return;
        }
        if (threadsMax != Long.MAX_VALUE) {
            blocks = (int) Math.min(blocks, threadsMax / launch.kernel().shape().threads());
        }
        blocks = Math.min(blocks, Math.min(launch.pending, launch.workersMax() - launch.running));
        if (groups.length > 1) {
            blocks = Math.min(blocks, spread(launch, g));
        }
        if (blocks > 0) {
            start.blocks(launch, g, blocks);
        }
    }

    /** A small grid spreads over all groups of its pool instead of filling the first. */
    private int spread(Launch launch, int g) {
        long sms = 0;
        for (int i = g; i < groups.length; i++) {
            sms += (launch.stream.mask >> i & 1) != 0 ? groups[i].sms : 0;
        }
        return (int) Math.ceil((double) launch.pending * groups[g].sms / sms);
    }
}
