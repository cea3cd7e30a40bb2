package io.sluice.worker;

import io.sluice.runtime.CoreAffinity;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A side lane as a thread, bound to one core and in the idle scheduling class where the system lets it. A slice always comes
 * back, also where the thread dies by it or was dead before.
 */
final class LaneThread implements SideLane {
    private static final Logger LOG = LoggerFactory.getLogger(LaneThread.class);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(10);

    private final int lane;
    private final int core;
    private final Consumer<SideSlice> back;
    private final BlockingQueue<SideSlice> next = new ArrayBlockingQueue<>(1);
    private final Thread thread;
    private volatile boolean closed;

    private LaneThread(String name, int core, int lane, Consumer<SideSlice> back) {
        this.lane = lane;
        this.core = core;
        this.back = Objects.requireNonNull(back, "back");
        this.thread = Thread.ofPlatform().daemon().name(name).unstarted(this::work);
    }

    /** @param lane of the runner */
    static LaneThread start(String name, int core, int lane, Consumer<SideSlice> back) {
        LaneThread started = new LaneThread(name, core, lane, back);
        started.thread.start();
        return started;
    }

    /** Cores that this process may use; where the system does not say which, as many as the JVM counts. */
    static List<Integer> processCores() {
        List<Integer> cores = CoreAffinity.cores();
        return cores.isEmpty()
                ? IntStream.range(0, Runtime.getRuntime().availableProcessors())
                        .boxed()
                        .toList()
                : cores;
    }

    @Override
    public void start(SideSlice slice) {
        next.add(slice);
        if (!alive() && next.remove(slice)) {
            back.accept(slice);
        }
    }

    @Override
    public boolean alive() {
        return thread.isAlive() && !closed;
    }

    private void work() {
        boolean bound = CoreAffinity.bind(core);
        boolean givesWay = CoreAffinity.giveWay();
        LOG.info("lane={} core={} bound={} gives_way={}", thread.getName(), core, bound, givesWay);
        if (!bound || !givesWay) {
            LOG.warn(
                    "lane={} core={} bound={} gives_way={} message=\"best-effort work there may take time from any core:"
                            + " install util-linux (taskset, chrt) and let this process use them, or leave"
                            + " --best-effort-cores away\"",
                    thread.getName(),
                    core,
                    bound,
                    givesWay);
        }
        SideSlice slice = null;
        try {
            while (!closed) {
                slice = next.take();
                slice.run(lane);
                SideSlice done = slice;
                slice = null;
                back.accept(done);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Throwable e) {
            LOG.error("lane={} core={} state=failed", thread.getName(), core, e);
        } finally {
            closed = true;
            if (slice != null) {
                back.accept(slice);
            }
            for (SideSlice left = next.poll(); left != null; left = next.poll()) {
                back.accept(left);
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            if (!thread.join(STOP_TIMEOUT)) {
                LOG.warn("lane={} state=stuck: its layer has not ended within {}", thread.getName(), STOP_TIMEOUT);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
