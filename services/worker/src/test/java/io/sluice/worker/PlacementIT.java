package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.core.LayerRange;
import io.sluice.messaging.TopicTail;
import io.sluice.records.LoadedLayers;
import io.sluice.records.Stage;
import io.sluice.records.Token;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import io.sluice.schemas.Topics;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Layers of real workers as placements say. */
final class PlacementIT extends OnWorkerStack {
    private TopicTail<Token> tokens;

    @BeforeEach
    void openTails() {
        tokens = stack.tail(Topics.TOKENS);
    }

    @Test
    void shouldTakeItsLayersFromThePlacementThatIsThere() {
        stack.place("there", 3, new Stage("other", 0, 4), new Stage("placed", 4, 6));

        WorkerService started = stack.start(stack.config("placed", "there", null, "cpu"));

        assertThat(started.layers()).contains(new LayerRange(4, 6));
    }

    @Test
    void shouldJoinAsASpareAndChangeItsLayersAsPlacementsSayInMidGeneration() throws IOException {
        TopicTail<WorkerStatus> statuses = stack.tail(Topics.WORKERS);
        WorkerService a = stack.start(stack.config("live-a", "live", null, "cpu"));
        stack.start(stack.config("live-b", "live", null, "emulated:a100@20"));
        assertThat(a.layers()).isEmpty();
        WorkerStatus spare = stack.status(statuses, "live-a", status -> true);
        assertThat(spare.getState()).isEqualTo(WorkerState.JOINED);
        assertThat(spare.getEndLayer()).isEqualTo(spare.getFirstLayer());
        assertThat(spare.getMaxLayers()).isEqualTo(6);
        assertThat(spare.getKvCapacityTokens()).isEqualTo((32 << 20) / 512);
        assertThat(spare.getDecodeTokensPerS()).isPositive();
        assertThat(spare.getLoaded()).isEmpty();

        stack.place("live", 1, new Stage("live-a", 0, 3), new Stage("live-b", 3, 6));
        List<Stage> before = List.of(new Stage("live-a", 0, 3), new Stage("live-b", 3, 6));
        assertThat(stack.status(statuses, "live-a", status -> status.getPlacementEpoch() == 1)
                        .getEndLayer())
                .isEqualTo(3);
        WorkerStatus tail = stack.status(statuses, "live-b", status -> status.getPlacementEpoch() == 1);
        assertThat(tail.getFirstLayer()).isEqualTo(3);
        assertThat(tail.getKvCapacityTokens()).isEqualTo((32 << 20) / 512 / 3);
        JsonNode cases = WorkerStack.referenceCases();
        Map<String, List<Integer>> generated = new HashMap<>();
        int half = cases.size() / 2;
        for (int i = 0; i < half; i++) {
            stack.send(
                    "live-a",
                    WorkerStack.prompt(
                            "live", "live-" + i, WorkerStack.ids(cases.get(i).get("prompt_token_ids")), 64, before));
        }
        await().atMost(WorkerStack.PATIENCE)
                .until(() -> collect(generated, "live-").size() == half);

        stack.place("live", 2, new Stage("live-a", 0, 4), new Stage("live-b", 3, 6));
        stack.place("live", 3, new Stage("live-a", 0, 4), new Stage("live-b", 4, 6));
        stack.status(statuses, "live-a", status -> status.getPlacementEpoch() == 3 && status.getEndLayer() == 4);
        stack.status(statuses, "live-b", status -> status.getPlacementEpoch() == 3 && status.getFirstLayer() == 4);
        List<Stage> after = List.of(new Stage("live-a", 0, 4), new Stage("live-b", 4, 6));
        for (int i = half; i < cases.size(); i++) {
            stack.send(
                    "live-a",
                    WorkerStack.prompt(
                            "live", "live-" + i, WorkerStack.ids(cases.get(i).get("prompt_token_ids")), 64, after));
        }

        await().atMost(WorkerStack.PATIENCE)
                .until(() -> collect(generated, "live-").size() == cases.size()
                        && generated.values().stream().allMatch(list -> list.size() == 64));
        for (int i = 0; i < cases.size(); i++) {
            assertThat(generated.get("live-" + i))
                    .isEqualTo(WorkerStack.ids(cases.get(i).get("greedy_token_ids")));
        }
        WorkerStatus drained =
                stack.status(statuses, "live-b", status -> status.getLoaded().equals(List.of(new LoadedLayers(4, 6))));
        assertThat(drained.getDrainingSessions()).isZero();
        assertThat(WorkerStack.scrape(a)).containsPattern("sluice_worker_layers_served\\{.*} 4.0");
        stack.place("live", 4, new Stage("live-a", 0, 4));
        WorkerStatus again = stack.status(statuses, "live-b", status -> status.getPlacementEpoch() == 4);
        assertThat(again.getState()).isEqualTo(WorkerState.JOINED);
        assertThat(again.getEndLayer()).isEqualTo(again.getFirstLayer());
    }

    @Test
    void shouldKeepTheLayersOfItsCommandLineWhateverPlacementsSay() {
        stack.place("pinned", 1, new Stage("pinned-a", 3, 6));
        TopicTail<WorkerStatus> statuses = stack.tail(Topics.WORKERS);
        WorkerService pinned = stack.start(stack.config("pinned-a", "pinned", new LayerRange(1, 3), "emulated:t4@20"));

        assertThat(pinned.layers()).contains(new LayerRange(1, 3));
        WorkerStatus status = stack.status(statuses, "pinned-a", any -> true);
        assertThat(status.getMaxLayers()).isZero();
        assertThat(status.getPlacementEpoch()).isZero();
    }

    private Map<String, List<Integer>> collect(Map<String, List<Integer>> generated, String prefix) {
        for (var token : tokens.poll(Duration.ofMillis(20))) {
            if (token.key().startsWith(prefix)) {
                generated
                        .computeIfAbsent(token.key(), key -> new ArrayList<>())
                        .add(token.value().getTokenId());
            }
        }
        return generated;
    }
}
