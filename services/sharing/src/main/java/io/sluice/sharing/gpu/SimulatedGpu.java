package io.sluice.sharing.gpu;

import io.sluice.core.events.EventHeap;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * One GPU on virtual time. Streams queue launches; the head of each stream dispatches blocks by priority, then in turn;
 * a running block is never stopped except by a context switch, which saves it. Blocks that start together are one cohort,
 * so the cost is per wave and not per block. Integer nanoseconds, no randomness: the same calls give the same run. Not
 * thread-safe.
 */
public final class SimulatedGpu {
    /** No context is excluded: every stream may run. */
    public static final int ALL_CONTEXTS = -1;

    private final GpuSpec spec;
    private final SmGroup[] groups;
    private final List<GpuStream> streams = new ArrayList<>();
    private final CohortList cohorts = new CohortList();
    private final CohortList saved = new CohortList();
    private final CohortList spare = new CohortList();
    private final ArrayDeque<Launch> done = new ArrayDeque<>();
    private final EventHeap events = new EventHeap();
    private final Interference interference;
    private final Dispatcher dispatcher;
    private Consumer<Launch> onFinished = launch -> {};
    private Runnable afterEvent = () -> {};
    private long now;
    private long stalledUntil;
    private int activeContext = ALL_CONTEXTS;
    private double joules;
    private long steps;
    private long contextSwitches;
    private boolean changed;
    private boolean moved; // blocks started, ended, were saved or restored since rates were set

    public SimulatedGpu(GpuSpec spec) {
        this.spec = spec;
        int[] sizes = spec.groups();
        groups = new SmGroup[sizes.length];
        for (int i = 0; i < sizes.length; i++) {
            groups[i] = new SmGroup(spec, sizes[i]);
        }
        interference = new Interference(spec, groups);
        dispatcher = new Dispatcher(spec, groups, this::start);
    }

    /** Called once per launch, when its last running block has ended. */
    public void onFinished(Consumer<Launch> listener) {
        onFinished = listener;
    }

    /** Called after every step, when all state is consistent: for checks. */
    public void afterEvent(Runnable check) {
        afterEvent = check;
    }

    /** A stream on the SM groups of {@code mask}; larger priorities dispatch first. */
    public GpuStream stream(String name, int priority, int mask, int context) {
        if (mask == 0 || (mask & ~spec.allGroups()) != 0) {
            throw new IllegalArgumentException("stream " + name + ": mask " + Integer.toBinaryString(mask)
                    + " names groups that " + spec.name() + " lacks, or none; it has " + groups.length);
        }
        if (streams.size() == spec.hardwareQueues()) {
            throw new IllegalArgumentException("stream " + name + " is one more than the " + spec.hardwareQueues()
                    + " hardware queues of " + spec.name() + "; latency is unpredictable beyond them: use fewer pools");
        }
        GpuStream stream = new GpuStream(name, streams.size(), priority, mask, context);
        int place = 0;
        while (place < streams.size() && streams.get(place).priority >= priority) {
            place++;
        }
        streams.add(place, stream);
        return stream;
    }

    /** Queues a launch; it may start when it is the head of its stream and {@code readyNanos} has come. */
    public void submit(GpuStream stream, Launch launch, long readyNanos) {
        if (launch.stream != null) {
            throw new IllegalStateException("launch of " + launch.kernel().name() + " was submitted before");
        }
        launch.stream = stream;
        launch.runningIn = new int[groups.length];
        launch.readyNanos = Math.max(now, readyNanos);
        launch.residency = spec.residency(launch.kernel().shape());
        if (stream.head == null) {
            stream.head = launch;
        } else {
            stream.queue.add(launch);
        }
        changed = true;
    }

    /** Sets a launch's retreat flag: after the cost of the flag no further block of it starts. */
    public void retreat(Launch launch) {
        at(now + spec.flagNanos(), () -> stop(launch));
    }

    /** Stops a launch between its blocks at once: no further block of it starts. */
    public void stop(Launch launch) {
        if (launch.finished || launch.retreating) {
            return;
        }
        launch.retreating = true;
        changed = true;
        if (launch.stream.head != launch) {
            launch.stream.queue.remove(launch);
            launch.finished = true;
            done.add(launch);
        } else if (launch.running == 0) {
            finish(launch);
        }
    }

    /** Runs an action at a time, not before now. */
    public void at(long nanos, Runnable action) {
        events.add(Math.max(now, nanos), 0, action);
    }

    /** Gives the device to one context: the blocks of the others are saved and wait, at the cost of a switch. */
    public void activate(int context) {
        if (context == activeContext) {
            return;
        }
        if (context == ALL_CONTEXTS) {
            throw new IllegalArgumentException("a device whose contexts take turns cannot run all of them at once");
        }
        activeContext = context;
        stalledUntil = now + spec.contextSwitchNanos();
        contextSwitches++;
        changed = true;
        for (int i = cohorts.count - 1; i >= 0; i--) {
            Cohort cohort = cohorts.at[i];
            if (!active(cohort.launch.stream)) {
                cohort.rate(0, now);
                groups[cohort.group].occupy(cohort.launch.kernel().shape(), -cohort.blocks);
                cohorts.remove(i);
                moved = true;
                saved.add(cohort);
            }
        }
        at(stalledUntil, () -> changed = true);
    }

    /** Runs until this time. */
    public void run(long untilNanos) {
        settle();
        while (true) {
            long next = nextTime();
            if (next > untilNanos) {
                break;
            }
            joules += interference.watts() * (next - now) * 1e-9;
            now = next;
            steps++;
            endCohorts();
            while (events.nextKey() <= now) {
                events.remove();
                ((Runnable) events.payload()).run();
            }
            settle();
            afterEvent.run();
        }
        joules += interference.watts() * (untilNanos - now) * 1e-9;
        now = untilNanos;
    }

    public GpuSpec spec() {
        return spec;
    }

    public long now() {
        return now;
    }

    /** Energy since the start. */
    public double joules() {
        return joules;
    }

    /** Power now. */
    public double watts() {
        return interference.watts();
    }

    /** Steps of time so far: what a run costs. */
    public long steps() {
        return steps;
    }

    public long contextSwitches() {
        return contextSwitches;
    }

    /** Blocks of this launch on one group now. */
    public int running(Launch launch, int group) {
        return launch.runningIn[group];
    }

    /** Blocks of every launch on one group now. */
    public long resident(int group) {
        return groups[group].slots;
    }

    /** Whether some group of SMs holds more than it has: never true. */
    public boolean overSubscribed() {
        for (SmGroup group : groups) {
            if (group.overSubscribed()) {
                return true;
            }
        }
        return false;
    }

    private boolean active(GpuStream stream) {
        return activeContext == ALL_CONTEXTS || stream.context == activeContext;
    }

    private long nextTime() {
        long next = events.nextKey();
        for (int i = 0; i < cohorts.count; i++) {
            next = Math.min(next, cohorts.at[i].endNanos);
        }
        if (now >= stalledUntil) {
            for (int i = 0; i < streams.size(); i++) {
                Launch head = streams.get(i).head;
                if (head != null && head.readyNanos > now && active(streams.get(i))) {
                    next = Math.min(next, head.readyNanos);
                }
            }
        }
        return Math.max(next, now);
    }

    private void endCohorts() {
        for (int i = cohorts.count - 1; i >= 0; i--) {
            Cohort cohort = cohorts.at[i];
            if (cohort.endNanos > now) {
                continue;
            }
            cohorts.remove(i);
            moved = true;
            Launch launch = cohort.launch;
            groups[cohort.group].occupy(launch.kernel().shape(), -cohort.blocks);
            launch.running -= cohort.blocks;
            launch.runningIn[cohort.group] -= cohort.blocks;
            changed = true;
            if (launch.keepsPlaces() && launch.wantsBlocks() && active(launch.stream)) {
                start(launch, cohort.group, Math.min(cohort.blocks, launch.pending));
            }
            cohort.launch = null;
            spare.add(cohort);
            if (launch.running == 0 && (launch.pending == 0 || launch.retreating)) {
                finish(launch);
            }
        }
    }

    private void finish(Launch launch) {
        launch.finished = true;
        GpuStream stream = launch.stream;
        stream.head = stream.queue.poll();
        if (stream.head != null) {
            stream.head.readyNanos = Math.max(stream.head.readyNanos, now + spec.kernelGapNanos());
        }
        done.add(launch);
    }

    /** Tells about finished launches, dispatches and sets rates until nothing changes at this time. */
    private void settle() {
        do {
            while (!done.isEmpty()) {
                onFinished.accept(done.poll());
            }
            changed = false;
            if (now >= stalledUntil) {
                restore();
                dispatcher.dispatch(streams, activeContext, now);
            }
            if (moved) { // rates depend on the running blocks alone, not on the time
                moved = false;
                interference.apply(cohorts, now);
            }
        } while (changed || !done.isEmpty());
    }

    private void restore() {
        for (int i = 0; i < saved.count; i++) {
            Cohort cohort = saved.at[i];
            if (active(cohort.launch.stream)) {
                saved.remove(i--);
                cohort.sinceNanos = now;
                groups[cohort.group].occupy(cohort.launch.kernel().shape(), cohort.blocks);
                cohorts.add(cohort);
                moved = true;
            }
        }
    }

    private void start(Launch launch, int group, int blocks) {
        moved = true;
        launch.pending -= blocks;
        launch.running += blocks;
        launch.runningIn[group] += blocks;
        groups[group].occupy(launch.kernel().shape(), blocks);
        if (launch.startNanos < 0) {
            launch.startNanos = now;
        }
        Cohort oldest = null;
        int same = 0;
        for (int i = 0; i < cohorts.count; i++) {
            Cohort other = cohorts.at[i];
            if (other.launch == launch && other.group == group) {
                same++;
                oldest = other;
                if (other.sinceNanos == now && other.remaining == 1) {
                    other.blocks += blocks;
                    return;
                }
            }
        }
        if (same >= Dispatcher.COHORTS_MAX) {
            oldest.join(blocks, now);
            return;
        }
        Cohort cohort = spare.count == 0 ? new Cohort() : spare.removeLast();
        cohort.of(launch);
        cohort.group = group;
        cohort.blocks = blocks;
        cohort.remaining = 1;
        cohort.perNano = -1;
        cohort.sinceNanos = now;
        cohort.endNanos = Long.MAX_VALUE;
        cohorts.add(cohort);
    }
}
