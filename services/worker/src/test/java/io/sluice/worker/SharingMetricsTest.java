package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.core.sharing.GateDecision.Start;
import io.sluice.core.sharing.GateSettings;
import io.sluice.core.sharing.RunningSlice;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.SliceOffer;
import io.sluice.core.sharing.TenantId;
import io.sluice.worker.sharing.SharingControl;
import io.sluice.worker.sharing.SharingSettings;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class SharingMetricsTest {
    private static final long MS = 1_000_000;

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final SharingMetrics metrics = new WorkerMetrics(registry, "w", "m").sharing();
    private final AtomicLong clock = new AtomicLong(1_000 * MS);

    @Test
    void shouldTellHowTheDeviceIsShared() {
        SharingControl sharing =
                new SharingControl(SharingSettings.DEFAULT, GateSettings.temporal(), metrics::computed);
        metrics.observe(sharing, clock::get);
        assertThat(registry.scrape())
                .containsPattern("sluice_worker_sharing_limits_fresh\\{.*} 0.0")
                .containsPattern("sluice_worker_sharing_quota\\{.*} 0.0");

        sharing.limits(new SharingLimits(42, 0.8, 20 * MS, 4, clock.get() + 1_000 * MS), clock.get());
        TenantId tenant = new TenantId("t");
        RunningSlice slice =
                ((Start) sharing.next(List.of(new SliceOffer(tenant, 1, "k", 2, 1, 0)), clock.get())).slice();
        clock.addAndGet(8 * MS);
        sharing.sliceEnded(slice, slice.units(), 0, 3, clock.get());
        sharing.bestEffortDone(tenant, 3);
        sharing.bestEffortWaiting(List.of(), 2);
        sharing.criticalStarted(clock.get());
        long ready = clock.get() - 4 * MS;
        clock.addAndGet(10 * MS);
        sharing.criticalFinished(new long[] {ready}, 0, clock.get());

        assertThat(registry.scrape())
                .containsPattern("sluice_worker_sharing_limits_fresh\\{.*} 1.0")
                .containsPattern("sluice_worker_sharing_limits_epoch\\{.*} 42.0")
                .containsPattern("sluice_worker_sharing_quota_published\\{.*} 0.8")
                .containsPattern("sluice_worker_sharing_quota_own\\{.*} 0.75")
                .containsPattern("sluice_worker_sharing_quota\\{.*} 0.75")
                .containsPattern("sluice_worker_sharing_lanes\\{.*} 1.0")
                .containsPattern("sluice_worker_sharing_slice_bound_seconds\\{.*} 0.02")
                .containsPattern("sluice_worker_sharing_suspended_batches\\{.*} 2.0")
                .containsPattern("sluice_worker_sharing_steps_total\\{.*} 1.0")
                .containsPattern("sluice_worker_sharing_violations_total\\{.*} 1.0")
                .containsPattern("sluice_worker_sharing_slices_total\\{.*} 1.0")
                .containsPattern("sluice_worker_sharing_slice_seconds_total\\{.*} 0.008")
                .containsPattern("sluice_worker_sharing_overruns_total\\{.*} 0.0")
                .containsPattern("sluice_worker_sharing_drains_total\\{.*} 1.0")
                .containsPattern("sluice_worker_sharing_drain_seconds_total\\{.*} 0.004")
                .containsPattern("sluice_worker_sharing_drain_longest_seconds\\{.*} 0.004")
                .containsPattern("sluice_worker_sharing_pool_switches_total\\{.*} 0.0")
                .containsPattern("sluice_worker_sharing_pool_slices_total\\{.*} 0.0")
                .containsPattern("sluice_worker_sharing_pool_groups\\{.*} 0.0")
                .containsPattern("sluice_worker_sharing_lanes_held\\{.*} 0.0")
                .containsPattern("sluice_worker_sharing_best_effort_tokens_total\\{.*tenant=\"t\".*} 3.0");
    }

    @Test
    void shouldBoundTheSeriesOfTenants() {
        for (int i = 0; i < 1_000; i++) {
            metrics.computed(new TenantId("tenant-" + i), 2);
            metrics.computed(new TenantId("tenant-0"), 1);
        }
        List<String> series = registry.scrape()
                .lines()
                .filter(line -> line.startsWith("sluice_worker_sharing_best_effort_tokens_total{"))
                .toList();
        assertThat(series).hasSizeLessThanOrEqualTo(SharingMetrics.MOST_TENANTS + 1);
        assertThat(series).anyMatch(line -> line.contains("tenant=\"tenant-0\"") && line.endsWith(" 1002.0"));
        assertThat(series).anyMatch(line -> line.contains("tenant=\"others\""));
    }

    @Test
    void shouldHaveNoSeriesWhereBestEffortWorkIsNotTaken() {
        metrics.observe(new SharingControl(SharingSettings.OFF, GateSettings.temporal()), clock::get);
        assertThat(registry.scrape()).doesNotContain("sluice_worker_sharing");
    }
}
