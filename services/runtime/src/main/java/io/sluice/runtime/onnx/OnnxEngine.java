package io.sluice.runtime.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession.SessionOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * ONNX Runtime in this process: one environment with one pool of computing threads for all sessions but those that
 * compute on their caller's. Whoever comes first fixes the number of threads. Thread-safe.
 */
final class OnnxEngine {
    private static final Logger log = LoggerFactory.getLogger(OnnxEngine.class);
    private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");
    private static final long STACK_BYTES = 16L << 20;
    private static final long STACK_BYTES_PER_CHARACTER = 4096;

    private static OnnxEngine instance;

    private final OrtEnvironment environment;
    private final int threads;
    private final boolean spinning;
    private final boolean callersThread;

    private OnnxEngine(int threads, boolean spinning) {
        this.threads = threads;
        this.spinning = spinning;
        this.callersThread = false;
        NativeLibraries.unpackOnce();
        environment = onDeepStack(() -> environment(threads, spinning));
        log.info(
                "event=onnxruntime_started version={} threads={} spinning={}",
                environment.getVersion(),
                threads,
                spinning);
    }

    private OnnxEngine(OnnxEngine shared) {
        this.threads = 1;
        this.spinning = false;
        this.callersThread = true;
        this.environment = shared.environment;
    }

    private static OrtEnvironment environment(int threads, boolean spinning) {
        try (OrtEnvironment.ThreadingOptions pool = new OrtEnvironment.ThreadingOptions()) {
            pool.setGlobalIntraOpNumThreads(threads);
            pool.setGlobalInterOpNumThreads(1);
            pool.setGlobalSpinControl(spinning);
            return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING, "sluice", pool);
        } catch (OrtException e) {
            throw failed("start", e);
        }
    }

    /**
     * ONNX Runtime 1.29 matches a regular expression against the command line when it starts, and recurses for every
     * character: 4,000 characters, a usual classpath, overflow a stack of 8 MiB and kill the process without a word.
     */
    private static <T> T onDeepStack(Supplier<T> work) {
        long characters;
        try {
            characters = Files.readAllBytes(COMMAND_LINE).length;
        } catch (IOException e) {
            characters = 0;
        }
        FutureTask<T> task = new FutureTask<>(work::get);
        new Thread(null, task, "onnxruntime-start", STACK_BYTES + characters * STACK_BYTES_PER_CHARACTER).start();
        try {
            return task.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("ONNX Runtime does not start: " + e.getCause(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while ONNX Runtime started", e);
        }
    }

    static synchronized OnnxEngine get(int threads, boolean spinning) {
        if (instance == null) {
            instance = new OnnxEngine(threads, spinning);
        } else if (instance.threads != threads || instance.spinning != spinning) {
            log.warn(
                    "event=threads_kept threads={} spinning={} asked_threads={} asked_spinning={} reason=one_pool",
                    instance.threads,
                    instance.spinning,
                    threads,
                    spinning);
        }
        return instance;
    }

    /** The same engine for sessions that compute on the thread that calls them, and on no other. */
    OnnxEngine onCallersThread() {
        return new OnnxEngine(this);
    }

    OrtEnvironment environment() {
        return environment;
    }

    /** Options of one session; the caller closes them. */
    SessionOptions sessionOptions() throws OrtException {
        SessionOptions options = new SessionOptions();
        options.setOptimizationLevel(SessionOptions.OptLevel.ALL_OPT);
        if (callersThread) {
            // A session's own pool of one thread is the caller.
            options.setIntraOpNumThreads(1);
            options.setInterOpNumThreads(1);
        } else {
            options.disablePerSessionThreads();
        }
        // Per-session arenas would each keep the memory of the longest prefill; malloc shares it between all layers.
        options.setCPUArenaAllocator(false);
        options.setMemoryPatternOptimization(false);
        options.addConfigEntry("session.use_device_allocator_for_initializers", "1");
        return options;
    }

    /** A tensor over the bytes of {@code buffer}, which must stay alive and in place. */
    OnnxTensor floats(ByteBuffer buffer, long... shape) {
        return tensor(buffer, OnnxJavaType.FLOAT, shape);
    }

    /** As {@link #floats}, of 32-bit integers. */
    OnnxTensor ints(ByteBuffer buffer, long... shape) {
        return tensor(buffer, OnnxJavaType.INT32, shape);
    }

    static IllegalStateException failed(String what, OrtException cause) {
        return new IllegalStateException("ONNX Runtime failed to " + what + ": " + cause.getMessage(), cause);
    }

    private OnnxTensor tensor(ByteBuffer buffer, OnnxJavaType type, long... shape) {
        try {
            return OnnxTensor.createTensor(environment, buffer, shape, type);
        } catch (OrtException e) {
            throw failed("wrap a tensor", e);
        }
    }
}
