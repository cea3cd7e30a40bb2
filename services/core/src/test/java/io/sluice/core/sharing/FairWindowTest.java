package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class FairWindowTest {
    private static final TenantId RED = new TenantId("red");
    private static final TenantId BLUE = new TenantId("blue");

    private static List<String> send(FairWindow window, int items, double cost) {
        List<String> sent = new ArrayList<>();
        for (int i = 0; i < items; i++) {
            String job = window.next().orElseThrow();
            window.started(job, cost);
            window.ended();
            sent.add(job);
        }
        return sent;
    }

    private static Map<String, Integer> counts(List<String> sent) {
        Map<String, Integer> counts = new TreeMap<>();
        sent.forEach(job -> counts.merge(job, 1, Integer::sum));
        return counts;
    }

    @Test
    void shouldShareByWeight() {
        FairWindow window = new FairWindow(4);
        window.enter("r", 0, RED, 2);
        window.enter("b", 1, BLUE, 1);
        assertThat(counts(send(window, 300, 10))).isEqualTo(Map.of("r", 200, "b", 100));
    }

    @Test
    void shouldShareCostAndNotItems() {
        FairWindow window = new FairWindow(4);
        window.enter("long", 0, RED, 1);
        window.enter("short", 1, BLUE, 1);
        double[] cost = new double[2];
        for (int i = 0; i < 1000; i++) {
            String job = window.next().orElseThrow();
            double its = job.equals("long") ? 90 : 10;
            window.started(job, its);
            window.ended();
            cost[job.equals("long") ? 0 : 1] += its;
        }
        assertThat(cost[0] / cost[1]).isBetween(0.98, 1.02);
    }

    @Test
    void shouldSendATenantsJobsOneAfterAnother() {
        FairWindow window = new FairWindow(4);
        window.enter("second", 7, RED, 1);
        window.enter("first", 3, RED, 1);
        assertThat(counts(send(window, 5, 1))).isEqualTo(Map.of("first", 5));
        window.leave("first");
        assertThat(counts(send(window, 5, 1))).isEqualTo(Map.of("second", 5));
        window.enter("first", 3, RED, 1);
        assertThat(window.next()).as("an item of it came back").contains("first");
    }

    @Test
    void shouldGiveNoCreditForTimeWithoutWork() {
        FairWindow window = new FairWindow(4);
        window.enter("r", 0, RED, 1);
        send(window, 100, 1);
        window.enter("b", 1, BLUE, 1);
        assertThat(counts(send(window, 20, 1)).get("b"))
                .as("half, and not the hundred that it had not sent")
                .isBetween(9, 11);
    }

    @Test
    void shouldKeepItsBound() {
        FairWindow window = new FairWindow(2);
        window.enter("r", 0, RED, 1);
        window.restored();
        window.started(window.next().orElseThrow(), 1);
        assertThat(window.inFlight()).isEqualTo(2);
        assertThat(window.next()).isEmpty();
        window.leave("r");
        window.ended();
        assertThat(window.next()).as("nothing in line").isEmpty();
        window.ended();
        assertThatThrownBy(window::ended).hasMessageContaining("none was in flight");
        assertThatThrownBy(() -> new FairWindow(0)).hasMessageContaining("window of 0");
        assertThatThrownBy(() -> window.enter("x", 2, RED, Double.NaN)).hasMessageContaining("weight of job x is NaN");
    }
}
