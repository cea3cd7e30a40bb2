package io.sluice.planner;

import io.sluice.messaging.TopicAdmin;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Allocation;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.DeploymentOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.common.IsolationLevel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The planner's life: creates its topics, finds the epochs to go on from, starts Flink in this process or uses a given
 * cluster, submits the job. Closing cancels the job, so that no planner runs unseen. Thread-safe.
 */
public final class PlannerService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PlannerService.class);
    private static final Duration POLL = Duration.ofMillis(50);
    private static final Duration CANCEL = Duration.ofSeconds(10);

    private final Optional<FlinkMiniCluster> own;
    private final URI webUrl;
    private final JobClient job;

    private PlannerService(Optional<FlinkMiniCluster> own, URI webUrl, JobClient job) {
        this.own = own;
        this.webUrl = webUrl;
        this.job = job;
    }

    /**
     * Returns when the job is running.
     *
     * @throws RuntimeException when broker, registry or Flink do not answer in time; the message says which and what to
     *     do
     */
    public static PlannerService start(PlannerConfig config) {
        return start(config, RegistryProvider.at(config.kafka().registryUrl(), config.startTimeout()));
    }

    static PlannerService start(PlannerConfig config, RegistryProvider registries) {
        try (TopicAdmin topics = new TopicAdmin(config.kafka(), config.startTimeout())) {
            topics.ensure(FlowAllocationJob.topics());
        }
        PlannerConfig resumed = config.withEpochFloors(lastEpochs(config, registries));
        Optional<FlinkMiniCluster> own = config.flink().isPresent()
                ? Optional.empty()
                : Optional.of(FlinkMiniCluster.start(config.dataDir(), config.parallelism()));
        try {
            URI web = own.map(FlinkMiniCluster::webUrl)
                    .orElseGet(() -> URI.create("http://" + config.flink().orElseThrow()));
            JobClient job = submit(resumed, registries, web, own.isPresent());
            awaitRunning(job, web, config.startTimeout());
            LOG.info("planner running job={} web={} epochs={}", job.getJobID(), web, resumed.epochFloors());
            return new PlannerService(own, web, job);
        } catch (RuntimeException e) {
            own.ifPresent(FlinkMiniCluster::close);
            throw e;
        }
    }

    /** Last epoch of each model in the topic, aborted ones included: an epoch is never used twice. */
    private static Map<String, Long> lastEpochs(PlannerConfig config, RegistryProvider registries) {
        Map<String, Long> epochs = new TreeMap<>();
        try (SchemaRegistry registry = registries.open();
                TopicTail<Allocation> tail = TopicTail.fromBeginning(
                        config.kafka(), registry, Topics.ALLOCATIONS, IsolationLevel.READ_UNCOMMITTED)) {
            while (!tail.atEnd()) {
                tail.poll(POLL).stream()
                        .filter(record -> record.value() != null)
                        .forEach(record -> epochs.merge(
                                record.value().getModel(), record.value().getEpoch(), Math::max));
            }
        }
        return epochs;
    }

    private static JobClient submit(PlannerConfig config, RegistryProvider registries, URI web, boolean inProcess) {
        Configuration c = new Configuration();
        c.set(DeploymentOptions.ATTACHED, false);
        c.set(RestOptions.ADDRESS, web.getHost());
        c.set(RestOptions.PORT, web.getPort());
        String[] jars = inProcess
                ? new String[0]
                : config.jars().stream().map(Path::toString).toArray(String[]::new);
        StreamExecutionEnvironment env =
                StreamExecutionEnvironment.createRemoteEnvironment(web.getHost(), web.getPort(), c, jars);
        FlowAllocationJob.build(env, config, registries);
        try {
            return env.executeAsync(FlowAllocationJob.NAME);
        } catch (Exception e) {
            throw new IllegalStateException(
                    "Flink at " + web + " did not take the job: " + e.getMessage()
                            + "; start a cluster there or correct --flink",
                    e);
        }
    }

    private static void awaitRunning(JobClient job, URI web, Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (true) {
            JobStatus status = status(job, web);
            if (status == JobStatus.RUNNING) {
                return;
            }
            if (status.isGloballyTerminalState() || System.nanoTime() - deadline >= 0) {
                throw new IllegalStateException("the planner's job on " + web + " is " + status + " instead of RUNNING;"
                        + " its exceptions are on the job's page there");
            }
            pause();
        }
    }

    private static JobStatus status(JobClient job, URI web) {
        try {
            return job.getJobStatus().get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("Flink at " + web + " does not answer: " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for the planner's job", e);
        }
    }

    private static void pause() {
        try {
            Thread.sleep(POLL);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for the planner's job", e);
        }
    }

    /** Flink's web UI. */
    public URI webUrl() {
        return webUrl;
    }

    /** What Prometheus scrapes; empty on an outside cluster, which has reporters of its own. */
    public Optional<URI> metricsUrl() {
        return own.map(FlinkMiniCluster::metricsUrl);
    }

    public JobID jobId() {
        return job.getJobID();
    }

    /** Present state of the job. */
    public JobStatus status() {
        return status(job, webUrl);
    }

    /** The cluster in this process; for tests. */
    Optional<FlinkMiniCluster> ownCluster() {
        return own;
    }

    @Override
    public void close() {
        try {
            job.cancel().get(CANCEL.toMillis(), TimeUnit.MILLISECONDS);
            // Cancelling is only asked for so far; a cluster that is closed meanwhile logs stack traces.
            long deadline = System.nanoTime() + CANCEL.toNanos();
            while (!status().isGloballyTerminalState() && System.nanoTime() - deadline < 0) {
                pause();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException | IllegalStateException e) {
            LOG.warn("planner job not cancelled job={} message={}", job.getJobID(), e.toString());
        }
        own.ifPresent(FlinkMiniCluster::close);
    }
}
