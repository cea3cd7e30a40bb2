package io.sluice.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.BestEffortProgress;
import io.sluice.records.ErrorReason;
import io.sluice.records.JobState;
import io.sluice.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.IntStream;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.TaskId;
import org.apache.kafka.streams.processor.api.MockProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A new process that has nothing but what the old one's changelogs say. */
class BatchRestartTest {
    private static final List<String> STORES =
            List.of(BatchTopology.JOBS_STORE, BatchTopology.ITEMS_STORE, BatchTopology.LINES_STORE);

    @TempDir
    private Path folder;

    private final BatchHarness before = new BatchHarness(config -> config.withWindow(4));
    private final Map<String, KeyValueStore<String, byte[]>> stores = new LinkedHashMap<>();
    private MockProcessorContext<byte[], Object> context;
    private BatchProcessor after;

    @AfterEach
    void close() {
        stores.values().forEach(KeyValueStore::close);
        before.close();
    }

    private void restart() {
        context = new MockProcessorContext<>(new Properties(), new TaskId(0, 0), folder.toFile());
        context.setCurrentSystemTimeMs(BatchHarness.START_MS + 1_000);
        for (String name : STORES) {
            KeyValueStore<String, byte[]> store = Stores.keyValueStoreBuilder(
                            Stores.inMemoryKeyValueStore(name), Serdes.String(), Serdes.ByteArray())
                    .withLoggingDisabled()
                    .build();
            store.init(context.getStateStoreContext(), store);
            before.changelog(name).forEach(change -> store.put(change.key(), change.value()));
            context.addStateStore(store);
            stores.put(name, store);
        }
        after = new BatchProcessor(
                before.config, BatchTopology.Formats.of(before.registry), new BatchMetrics(before.metrics));
        after.init(context);
    }

    private void tick() {
        context.scheduledPunctuators().forEach(p -> p.getPunctuator().punctuate(BatchHarness.START_MS + 1_000));
    }

    private void complete(String id) {
        RecordHeaders headers = new RecordHeaders();
        MockProcessorContext<byte[], byte[]> intakeContext =
                new MockProcessorContext<>(new Properties(), new TaskId(0, 0), folder.toFile());
        intakeContext.setRecordMetadata(Topics.COMPLETIONS.name(), 0, 5);
        BatchIntake intake = new BatchIntake();
        intake.init(intakeContext);
        intake.process(new Record<>(
                id.getBytes(StandardCharsets.UTF_8), before.bytes(BatchHarness.completion(id)), 1, headers));
        intakeContext.forwarded().forEach(forwarded -> {
            Record<? extends byte[], ? extends byte[]> record = forwarded.record();
            after.process(new Record<>(record.key(), record.value(), record.timestamp(), record.headers()));
        });
    }

    private List<String> sent() {
        return context.forwarded(BatchTopology.REQUESTS_SINK).stream()
                .map(f -> new String(f.record().key(), StandardCharsets.UTF_8))
                .toList();
    }

    private List<BestEffortProgress> progress() {
        return context.forwarded(BatchTopology.PROGRESS_SINK).stream()
                .map(f -> (BestEffortProgress) f.record().value())
                .toList();
    }

    @Test
    void canFinishAJobThatRanBefore() {
        before.submit(BatchHarness.job("j", BatchHarness.lines(10)));
        before.complete("batch-j-0");
        before.complete("batch-j-2");
        List<BestEffortProgress> all = new ArrayList<>(before.progress());
        List<String> sentBefore = before.sentIds();
        restart();
        tick();
        assertThat(sent()).as("what is out is not sent again").isEmpty();
        complete("batch-j-2");
        for (int i = 0; i < 10; i++) {
            complete("batch-j-" + i);
        }
        assertThat(sent()).hasSize(10 - sentBefore.size()).doesNotContainAnyElementsOf(sentBefore);
        all.addAll(progress());
        assertThat(BatchHarness.results(all).stream().map(BestEffortProgress::getItemIndex))
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(0, 10).mapToObj(i -> (long) i).toList());
        assertThat(BatchHarness.states(all)).containsExactly(JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED);
    }

    @Test
    void canGoOnWithAJobOfWhichPartsAreMissingAndWithTheOrderOfJobs() {
        before.submit(BatchHarness.part("first", 0, 3, BatchHarness.lines(2)));
        before.submit(BatchHarness.job("second", BatchHarness.lines(6)));
        before.sent();
        restart();
        complete("batch-second-0");
        assertThat(sent()).containsExactly("batch-second-4");
        assertThat(stores.get(BatchTopology.JOBS_STORE).get("first")).isNotNull();
    }

    @Test
    void canEndAJobThatWasCancelledBefore() {
        before.submit(BatchHarness.job("j", BatchHarness.lines(10)));
        before.cancel("j");
        for (int i = 0; i < 3; i++) {
            before.fail("batch-j-" + i, ErrorReason.CANCELLED, "cancelled");
        }
        restart();
        tick();
        assertThat(sent()).isEmpty();
        complete("batch-j-3");
        assertThat(BatchHarness.states(progress())).containsExactly(JobState.CANCELLED);
        assertThat(stores.get(BatchTopology.LINES_STORE).approximateNumEntries())
                .isZero();
    }
}
