package io.sluice.launcher.bench;

import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.messaging.TopicTail;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.Limits;
import io.sluice.records.SharingReport;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import org.apache.kafka.common.IsolationLevel;

/** What workers report of best-effort work and what the planner allows, from now on. Not thread-safe. */
final class SharingTail implements AutoCloseable {
    /** More than enough for what a window leaves in the topics; both go on growing, so there is no end to wait for. */
    private static final int POLLS = 30;

    private static final Duration POLL = Duration.ofMillis(100);

    private final TopicTail<GpuTelemetry> telemetry;
    private final TopicTail<Limits> limits;

    SharingTail(EmbeddedStack stack) {
        telemetry = TopicTail.fromEnd(
                stack.settings(), stack.schemas(), Topics.GPU_TELEMETRY, IsolationLevel.READ_UNCOMMITTED);
        limits = TopicTail.fromEnd(stack.settings(), stack.schemas(), Topics.LIMITS, IsolationLevel.READ_COMMITTED);
    }

    /** Reads what has come, in the order of each topic. */
    void read(Consumer<SharingReport> reports, Consumer<Limits> allowed) {
        for (int poll = 0; poll < POLLS; poll++) {
            telemetry.poll(POLL).stream()
                    .map(record -> record.value().getSharing())
                    .filter(Objects::nonNull)
                    .forEach(reports);
        }
        for (int poll = 0; poll < POLLS; poll++) {
            limits.poll(POLL).forEach(record -> allowed.accept(record.value()));
        }
    }

    @Override
    public void close() {
        telemetry.close();
        limits.close();
    }
}
