package io.sluice.schemas;

import io.sluice.core.WorkerId;
import io.sluice.records.ActivationBatch;
import io.sluice.records.Allocation;
import io.sluice.records.BestEffortJob;
import io.sluice.records.BestEffortProgress;
import io.sluice.records.Completion;
import io.sluice.records.ErrorRecord;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.Heartbeat;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Limits;
import io.sluice.records.LinkTelemetry;
import io.sluice.records.Placement;
import io.sluice.records.Session;
import io.sluice.records.SessionReport;
import io.sluice.records.Token;
import io.sluice.records.WorkerCommand;
import io.sluice.records.WorkerStatus;
import java.time.Duration;
import java.util.List;
import org.apache.avro.specific.SpecificRecord;

/**
 * The catalogue of topics, in data-path order. Requests, tokens, completions, errors and sessions share one key and one
 * partition count, so that they join without repartitioning. Control topics have one partition, so that every reader
 * sees one order.
 */
public final class Topics {
    /** Subject that all activation topics share. */
    public static final String ACTIVATIONS_SUBJECT = "sluice.activations.v1-value";
    /** Partitions of the topics keyed by request id. */
    public static final int REQUEST_PARTITIONS = 4;

    private static final String ACTIVATIONS_PREFIX = "sluice.activations.";
    private static final String VERSION_SUFFIX = ".v1";
    private static final String REQUEST_ID = "request id";
    private static final String WORKER_ID = "worker id";
    private static final String MODEL = "model";
    private static final String JOB_ID = "job id";
    private static final Duration SHORT = Duration.ofHours(1);
    private static final Duration DAY = Duration.ofDays(1);
    private static final Duration LONG = Duration.ofDays(30);

    public static final TopicSpec<InferenceRequest> REQUESTS =
            perRequest("sluice.inference.requests.v1", InferenceRequest.class, Cleanup.DELETE, DAY);
    public static final TopicSpec<Token> TOKENS =
            perRequest("sluice.inference.tokens.v1", Token.class, Cleanup.DELETE, DAY);
    public static final TopicSpec<Completion> COMPLETIONS =
            perRequest("sluice.inference.completions.v1", Completion.class, Cleanup.DELETE, LONG);
    public static final TopicSpec<ErrorRecord> ERRORS =
            perRequest("sluice.inference.errors.v1", ErrorRecord.class, Cleanup.DELETE, LONG);
    public static final TopicSpec<Session> SESSIONS =
            perRequest("sluice.routing.sessions.v1", Session.class, Cleanup.COMPACT_DELETE, DAY);
    public static final TopicSpec<SessionReport> REPORTS =
            perRequest("sluice.routing.reports.v1", SessionReport.class, Cleanup.DELETE, DAY);
    public static final TopicSpec<WorkerStatus> WORKERS =
            control("sluice.cluster.workers.v1", WorkerStatus.class, WORKER_ID);
    public static final TopicSpec<Heartbeat> HEARTBEATS = new TopicSpec<>(
            "sluice.cluster.heartbeats.v1", Heartbeat.class, WORKER_ID, 1, Cleanup.DELETE, SHORT, false);
    public static final TopicSpec<WorkerCommand> WORKER_COMMANDS =
            control("sluice.cluster.commands.v1", WorkerCommand.class, WORKER_ID);
    public static final TopicSpec<GpuTelemetry> GPU_TELEMETRY =
            new TopicSpec<>("sluice.telemetry.gpu.v1", GpuTelemetry.class, WORKER_ID, 1, Cleanup.DELETE, SHORT, false);
    public static final TopicSpec<LinkTelemetry> LINK_TELEMETRY = new TopicSpec<>(
            "sluice.telemetry.link.v1", LinkTelemetry.class, "from>to", 1, Cleanup.DELETE, SHORT, false);
    public static final TopicSpec<Placement> PLACEMENTS =
            control("sluice.planning.placements.v1", Placement.class, MODEL);
    public static final TopicSpec<Allocation> ALLOCATIONS =
            control("sluice.planning.allocations.v1", Allocation.class, MODEL);
    public static final TopicSpec<Limits> LIMITS = control("sluice.planning.limits.v1", Limits.class, WORKER_ID);
    public static final TopicSpec<BestEffortJob> BEST_EFFORT_JOBS =
            new TopicSpec<>("sluice.besteffort.jobs.v1", BestEffortJob.class, JOB_ID, 1, Cleanup.DELETE, LONG, false);
    public static final TopicSpec<BestEffortProgress> BEST_EFFORT_PROGRESS = new TopicSpec<>(
            "sluice.besteffort.progress.v1", BestEffortProgress.class, JOB_ID, 1, Cleanup.DELETE, LONG, false);

    private static final List<TopicSpec<?>> ALL = List.of(
            REQUESTS,
            TOKENS,
            COMPLETIONS,
            ERRORS,
            SESSIONS,
            REPORTS,
            WORKERS,
            HEARTBEATS,
            WORKER_COMMANDS,
            GPU_TELEMETRY,
            LINK_TELEMETRY,
            PLACEMENTS,
            ALLOCATIONS,
            LIMITS,
            BEST_EFFORT_JOBS,
            BEST_EFFORT_PROGRESS);

    static {
        // Whoever handles records names their topic first.
        AvroTrust.ensure();
    }

    private Topics() {}

    /**
     * The topic a worker reads its chunks from: {@code sluice.activations.<worker>.v1}, one partition, ten minutes. It
     * outlives the worker, so that a replacement can rebuild KV caches from it.
     */
    public static TopicSpec<ActivationBatch> activations(WorkerId worker) {
        return new TopicSpec<>(
                ACTIVATIONS_PREFIX + worker + VERSION_SUFFIX,
                ActivationBatch.class,
                "session id of the first chunk",
                1,
                Cleanup.DELETE,
                Duration.ofMinutes(10),
                false);
    }

    /** The fixed topics, in data-path order; activation topics come and go with their workers. */
    public static List<TopicSpec<?>> all() {
        return ALL;
    }

    static boolean isActivations(String topic) {
        return topic.startsWith(ACTIVATIONS_PREFIX);
    }

    private static <T extends SpecificRecord> TopicSpec<T> perRequest(
            String name, Class<T> type, Cleanup cleanup, Duration retention) {
        return new TopicSpec<>(name, type, REQUEST_ID, REQUEST_PARTITIONS, cleanup, retention, false);
    }

    private static <T extends SpecificRecord> TopicSpec<T> control(String name, Class<T> type, String keyMeaning) {
        return new TopicSpec<>(name, type, keyMeaning, 1, Cleanup.COMPACT, Duration.ofDays(7), true);
    }
}
