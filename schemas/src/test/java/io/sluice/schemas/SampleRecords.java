package io.sluice.schemas;

import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.Allocation;
import io.sluice.records.BeatState;
import io.sluice.records.BestEffortJob;
import io.sluice.records.BestEffortProgress;
import io.sluice.records.ChatMessage;
import io.sluice.records.ChunkKind;
import io.sluice.records.ClassLatency;
import io.sluice.records.Completion;
import io.sluice.records.DType;
import io.sluice.records.EdgeFlow;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.FinishReason;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.GroupPool;
import io.sluice.records.GroupUse;
import io.sluice.records.Heartbeat;
import io.sluice.records.HopSummary;
import io.sluice.records.HopTiming;
import io.sluice.records.InferenceRequest;
import io.sluice.records.JobCommand;
import io.sluice.records.JobKind;
import io.sluice.records.JobState;
import io.sluice.records.Limits;
import io.sluice.records.LinkTelemetry;
import io.sluice.records.LoadedLayers;
import io.sluice.records.LogRange;
import io.sluice.records.Placement;
import io.sluice.records.PoolUse;
import io.sluice.records.ResumeMode;
import io.sluice.records.ServiceClass;
import io.sluice.records.Session;
import io.sluice.records.SessionReport;
import io.sluice.records.SessionResume;
import io.sluice.records.SessionSetup;
import io.sluice.records.SessionState;
import io.sluice.records.SharingReport;
import io.sluice.records.Slo;
import io.sluice.records.Stage;
import io.sluice.records.StageBudget;
import io.sluice.records.StageResume;
import io.sluice.records.StageTrouble;
import io.sluice.records.TenantLimit;
import io.sluice.records.TenantUse;
import io.sluice.records.Token;
import io.sluice.records.TransferSample;
import io.sluice.records.TransitionStep;
import io.sluice.records.WorkerCommand;
import io.sluice.records.WorkerFlow;
import io.sluice.records.WorkerOrder;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import java.nio.ByteBuffer;
import java.util.List;
import org.apache.avro.specific.SpecificRecord;

/** One fixed record of every type, with every optional field set. */
final class SampleRecords {
    private static final long AT_MS = 1_795_000_000_000L;
    private static final List<Stage> STAGES = List.of(new Stage("w1", 0, 4), new Stage("w-2", 4, 6));
    private static final List<StageBudget> BUDGETS =
            List.of(new StageBudget(300_000L, 20_000L), new StageBudget(150_000L, 10_000L));
    private static final List<HopTiming> HOPS = List.of(
            new HopTiming("w1", 512L, 40L, 1_700L, 3, 100L, 107L), new HopTiming("w-2", -3L, 0L, 900L, 1, -1L, -1L));

    private SampleRecords() {}

    static List<SpecificRecord> all() {
        return List.of(
                request(),
                token(),
                completion(),
                error(),
                session(),
                report(),
                activations(new byte[] {1, 2, 3, (byte) 0xff}),
                workerStatus(),
                heartbeat(),
                command(),
                gpuTelemetry(),
                linkTelemetry(),
                placement(),
                allocation(),
                limits(),
                job(),
                progress());
    }

    static InferenceRequest request() {
        return InferenceRequest.newBuilder()
                .setRequestId("req-1")
                .setModel("psalm")
                .setPrompt("In the beginning – ü")
                .setPromptTokenIds(List.of(1, 300, 70_000))
                .setMessages(List.of(new ChatMessage("user", "Who is there?")))
                .setMaxTokens(64)
                .setTemperature(0.75f)
                .setTopK(40)
                .setTopP(0.95f)
                .setSeed(-7L)
                .setIgnoreEos(true)
                .setServiceClass(ServiceClass.BEST_EFFORT)
                .setSlo(new Slo(500L, 40L))
                .setDeadlineMs(30_000L)
                .setTenant("acme")
                .setWeight(2.0)
                .setAllowedRegions(List.of("eu-1"))
                .setArrivalMs(AT_MS)
                .build();
    }

    static Token token() {
        return new Token("req-1", 1, 3, 415, " light", FinishReason.LENGTH, "w-2", AT_MS, HOPS);
    }

    static Completion completion() {
        return Completion.newBuilder()
                .setRequestId("req-1")
                .setModel("psalm")
                .setTenant("acme")
                .setText("the light")
                .setPromptTokenIds(List.of(1, 2))
                .setTokenIds(List.of(3, 4, 5))
                .setPromptTokens(2)
                .setCompletionTokens(3)
                .setFinishReason(FinishReason.STOP)
                .setAttempt(2)
                .setEpoch(9L)
                .setPipeline(STAGES)
                .setArrivalMs(AT_MS)
                .setAssignedMs(AT_MS + 2)
                .setFirstTokenMs(AT_MS + 20)
                .setFinishedMs(AT_MS + 60)
                .setHops(List.of(new HopSummary("w1", 4, 2_000L, 100L, 8_000L)))
                .setTtftMs(20L)
                .setTpotMs(20.0)
                .setSloMet(true)
                .build();
    }

    static ErrorRecord error() {
        return ErrorRecord.newBuilder()
                .setRequestId("req-1")
                .setReason(ErrorReason.PROMPT_TOO_LONG)
                .setMessage("prompt has 9000 tokens; the context holds 2048")
                .setService("router")
                .setOriginTopic("sluice.inference.requests.v1")
                .setOriginPartition(3)
                .setOriginOffset(77L)
                .setOriginKey(ByteBuffer.wrap(new byte[] {0x72}))
                .setOriginValue(ByteBuffer.wrap(new byte[] {0, 0, 0, 0, 1}))
                .setOriginValueBytes(5L)
                .setAtMs(AT_MS)
                .build();
    }

    static Session session() {
        return new Session(
                "req-1",
                "psalm",
                SessionState.REASSIGNED,
                2,
                9L,
                STAGES,
                12,
                64,
                128,
                AT_MS,
                "worker w1 is lost",
                BUDGETS);
    }

    static SessionReport report() {
        return new SessionReport(
                "req-1", 2, "w-2", AT_MS - 5, StageTrouble.LOG_GONE, "offset 40 is gone, the log begins at 52", AT_MS);
    }

    static Heartbeat heartbeat() {
        return new Heartbeat(
                "w1", AT_MS - 5, 31L, BeatState.DRAINING, AT_MS + 9_000, 1_200, "w1", "spot instance notice", AT_MS);
    }

    static WorkerCommand command() {
        return new WorkerCommand("w1", AT_MS - 5, WorkerOrder.DRAIN, AT_MS + 9_000, "operator", AT_MS);
    }

    static ActivationBatch activations(byte[] payload) {
        SessionSetup setup = SessionSetup.newBuilder()
                .setModel("psalm")
                .setEpoch(9L)
                .setPipeline(STAGES)
                .setPromptTokens(12)
                .setMaxTokens(64)
                .setKvTokens(128)
                .setTemperature(0.5f)
                .setTopK(10)
                .setTopP(0.9f)
                .setSeed(42L)
                .setIgnoreEos(false)
                .setServiceClass(ServiceClass.LATENCY_CRITICAL)
                .setTenant("acme")
                .setWeight(2.0)
                .setResume(new SessionResume(
                        13,
                        List.of(415, 7),
                        List.of(
                                new StageResume(ResumeMode.KEEP, 13, List.of()),
                                new StageResume(ResumeMode.REBUILD, 13, List.of(new LogRange("w-3", 40L, 55L))))))
                .setBudgets(BUDGETS)
                .build();
        ActivationChunk forward = ActivationChunk.newBuilder()
                .setSessionId("req-1")
                .setAttempt(1)
                .setKind(ChunkKind.FORWARD)
                .setPosition(8)
                .setCount(1)
                .setEnterLayer(4)
                .setDtype(DType.FP16)
                .setHidden(2)
                .setPayload(ByteBuffer.wrap(payload))
                .setLastOfPrompt(true)
                .setSetup(setup)
                .setHops(HOPS)
                .build();
        ActivationChunk release = ActivationChunk.newBuilder(forward)
                .setSessionId("req-0")
                .setKind(ChunkKind.RELEASE)
                .setDtype(DType.TOKEN_IDS)
                .setHidden(0)
                .setPayload(ByteBuffer.allocate(0))
                .setSetup(null)
                .setHops(List.of())
                .build();
        return new ActivationBatch("w1", AT_MS * 1000, List.of(forward, release));
    }

    static WorkerStatus workerStatus() {
        return WorkerStatus.newBuilder()
                .setWorker("w1")
                .setState(WorkerState.DRAINING)
                .setIncarnation(AT_MS)
                .setModel("psalm")
                .setFirstLayer(0)
                .setEndLayer(4)
                .setDevice("emulated:t4")
                .setEmulated(true)
                .setMemoryBytes(16L << 30)
                .setKvCapacityTokens(65_536L)
                .setRegion("eu-1")
                .setPricePerHour(0.35)
                .setPrefillTokensPerS(5_000.5)
                .setDecodeTokensPerS(320.25)
                .setBatchUs(850.0)
                .setPrefillUsPerToken(12.5)
                .setDecodeUsPerToken(40.75)
                .setLinkBytesPerS(1.25e9)
                .setMetricsUrl("http://127.0.0.1:40001/metrics")
                .setAtMs(AT_MS)
                .setLoaded(List.of(new LoadedLayers(0, 6)))
                .setMaxLayers(8)
                .setPlacementEpoch(3L)
                .setDrainingSessions(2)
                .build();
    }

    static GpuTelemetry gpuTelemetry() {
        return GpuTelemetry.newBuilder()
                .setWorker("w1")
                .setIncarnation(5L)
                .setModel("psalm")
                .setSequence(17L)
                .setAtMs(AT_MS)
                .setIntervalMs(250L)
                .setBusyUs(200_000L)
                .setUtilization(0.8)
                .setPrefillTokens(128L)
                .setDecodeTokens(40L)
                .setBatches(21L)
                .setQueueChunks(2)
                .setSessions(8)
                .setKvUsedTokens(1_024L)
                .setKvCapacityTokens(65_536L)
                .setMemoryUsedBytes(1L << 30)
                .setMemoryTotalBytes(16L << 30)
                .setPowerWatts(68.5)
                .setTemperatureCelsius(61.0)
                .setClasses(List.of(new ClassLatency(
                        ServiceClass.LATENCY_CRITICAL, 20L, 30L, 900L, 1_500L, 2_900L, 1_560L, 3_200L)))
                .setEnergyJoules(17.1)
                .setSharing(sharing())
                .build();
    }

    private static SharingReport sharing() {
        return SharingReport.newBuilder()
                .setLimitsEpoch(4L)
                .setLimitsFresh(true)
                .setQuota(0.25)
                .setRequests(20L)
                .setViolations(1L)
                .setServiceNs(30e6)
                .setServiceP99Ns(2.9e6)
                .setResponseP99Ns(3.2e6)
                .setWaitNs(1e6)
                .setCausedWaitNs(0.4e6)
                .setBesideNs(0)
                .setDramBytesPerSecond(1e10)
                .setL2Bytes(4e6)
                .setDrains(3L)
                .setDrainNs(0.4e6)
                .setLongestDrainNs(0.2e6)
                .setPoolSwitches(1L)
                .setTenants(List.of(new TenantUse("acme", 2.0, 4L, 96L, 576.0, 120e6, 120e6, 1L, 2e10, 8e6, 40.0)))
                .setExcused(2L)
                .setSideLanes(2)
                .setPools(List.of(new PoolUse(1, 8L, 24e6, 20e6, 22e6, 192.0, 1e5)))
                .setPoolLanes(List.of(1, 2))
                .setGroups(List.of(new GroupUse("team-a", "decode", 1, 480.0, 5e6, null)))
                .build();
    }

    static LinkTelemetry linkTelemetry() {
        return new LinkTelemetry(
                "w1", "w-2", "psalm", AT_MS, 500L, 42L, 86_016L, List.of(new TransferSample(2_048L, -12L)));
    }

    static Placement placement() {
        return new Placement(
                "psalm",
                3L,
                6,
                192,
                2,
                STAGES,
                "local search",
                AT_MS,
                STAGES,
                List.of(new TransitionStep(2, "w-2", 4, 4, 210.5)),
                180.5,
                "worker w-3 joined");
    }

    static Allocation allocation() {
        return Allocation.newBuilder()
                .setModel("psalm")
                .setEpoch(9L)
                .setPlacementEpoch(3L)
                .setLayerCount(6)
                .setWorkers(List.of(new WorkerFlow("w1", 0, 4, "eu-1", 320.0, 250.0, 65_536L)))
                .setEdges(List.of(new EdgeFlow("source", "w1", 1e9, 250.0)))
                .setMaxFlowTokensPerS(250.0)
                .setBoundTokensPerS(250.5)
                .setBottleneck(List.of("w-2", "w1>w-2"))
                .setReason("worker w1 slowed down")
                .setSolveUs(310L)
                .setAtMs(AT_MS)
                .build();
    }

    static Limits limits() {
        return new Limits(
                "w1",
                5L,
                4L,
                0.25,
                2_000_000L,
                1,
                AT_MS + 5_000,
                AT_MS,
                List.of(new TenantLimit("acme", 0.5, 1_000_000L, 1)),
                "epoch 4: quota 0.250 after 0.500",
                1,
                List.of(new GroupPool("acme", "decode", 1)));
    }

    static BestEffortJob job() {
        return new BestEffortJob(
                "job-1",
                "acme",
                2.0,
                JobKind.FINE_TUNE,
                JobCommand.CANCEL,
                "psalm",
                List.of("{\"custom_id\":\"1\"}"),
                3L,
                10L,
                AT_MS);
    }

    static BestEffortProgress progress() {
        return new BestEffortProgress(
                "job-1", "acme", JobState.PAUSED, 5L, 1L, 10L, 4L, "{\"text\":\"x\"}", "waiting", AT_MS);
    }
}
