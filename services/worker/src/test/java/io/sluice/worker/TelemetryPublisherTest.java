package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.sharing.GateDecision;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.SliceOffer;
import io.sluice.core.sharing.TenantId;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.LinkTelemetry;
import io.sluice.records.ServiceClass;
import io.sluice.records.SharingReport;
import io.sluice.runtime.HeldLayers;
import io.sluice.worker.device.Device;
import io.sluice.worker.device.DeviceSpec;
import io.sluice.worker.sharing.SharingControl;
import io.sluice.worker.sharing.SharingSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class TelemetryPublisherTest {
    private final AtomicLong clock = new AtomicLong();
    private final IntervalStats stats = new IntervalStats();
    private final LinkStats links = new LinkStats();
    private final List<IntervalStats.Interval> intervals = new ArrayList<>();
    private final Device device = DeviceSpec.parse("emulated:t4").open();
    private final SharingControl sharing = new SharingControl(SharingSettings.DEFAULT, device.gate());
    private final TelemetryPublisher telemetry = new TelemetryPublisher(
            new WorkerId("w"),
            17,
            "m",
            device,
            () -> 4_096L,
            stats,
            new EnergyMeter(device, stats, clock::get),
            sharing,
            links,
            () -> 333L,
            clock::get,
            () -> 5_555L,
            intervals::add);

    @Test
    void shouldTellWhatTheDeviceDidInTheInterval() {
        stats.batchStarted(ms(10));
        stats.batchDone(ms(60), 128, 0);
        stats.batchStarted(ms(100));
        stats.batchDone(ms(150), 0, 4);
        for (int i = 1; i <= 100; i++) {
            stats.step(ServiceClass.LATENCY_CRITICAL, i, 50_000);
        }
        stats.levels(3, 2, 640);
        clock.set(ms(250));

        GpuTelemetry record = telemetry.device();
        assertThat(record.getWorker()).isEqualTo("w");
        assertThat(record.getIncarnation()).isEqualTo(17);
        assertThat(record.getSequence()).isZero();
        assertThat(record.getIntervalMs()).isEqualTo(250);
        assertThat(record.getBusyUs()).isEqualTo(100_000);
        assertThat(record.getUtilization()).isCloseTo(0.4, within(1e-9));
        assertThat(record.getPrefillTokens()).isEqualTo(128);
        assertThat(record.getDecodeTokens()).isEqualTo(4);
        assertThat(record.getBatches()).isEqualTo(2);
        assertThat(record.getQueueChunks()).isEqualTo(3);
        assertThat(record.getSessions()).isEqualTo(2);
        assertThat(record.getKvUsedTokens()).isEqualTo(640);
        assertThat(record.getKvCapacityTokens()).isEqualTo(4_096);
        assertThat(record.getMemoryUsedBytes()).isEqualTo(333);
        assertThat(record.getMemoryTotalBytes()).isEqualTo(device.memoryBytes());
        // Idle 33 W for 0.25 s, and 37 W more for the 0.1 s that it worked.
        assertThat(record.getEnergyJoules()).isCloseTo(33 * 0.25 + 37 * 0.1, within(1e-6));
        assertThat(record.getPowerWatts()).isCloseTo(33 + 37 * 0.4, within(1e-6));
        assertThat(record.getClasses()).singleElement().satisfies(summary -> {
            assertThat(summary.getSteps()).isEqualTo(100);
            assertThat(summary.getQueueP50Us()).isEqualTo(50);
            assertThat(summary.getQueueP99Us()).isEqualTo(99);
            assertThat(summary.getComputeP50Us()).isEqualTo(50_000);
        });
    }

    @Test
    void shouldStillBeatWhenNothingRan() {
        clock.set(ms(250));
        telemetry.device();
        clock.set(ms(500));

        GpuTelemetry idle = telemetry.device();
        assertThat(idle.getSequence()).isEqualTo(1);
        assertThat(idle.getBusyUs()).isZero();
        assertThat(idle.getClasses()).isEmpty();
    }

    @Test
    void shouldShareALongBatchAmongTheIntervalsItSpans() {
        stats.batchStarted(ms(200));
        clock.set(ms(250));
        assertThat(telemetry.device().getBusyUs()).isEqualTo(50_000);
        clock.set(ms(500));
        assertThat(telemetry.device().getBusyUs()).isEqualTo(250_000);
        stats.batchDone(ms(600), 1, 0);
        clock.set(ms(750));

        GpuTelemetry last = telemetry.device();
        assertThat(last.getBusyUs()).isEqualTo(100_000);
        assertThat(last.getUtilization()).isLessThan(1);
    }

    @Test
    void shouldTellEnergyOfEachIntervalAndNeverMorePowerThanTheLimit() {
        clock.set(ms(250));
        assertThat(telemetry.device().getPowerWatts()).as("idle").isCloseTo(33, within(1e-6));
        stats.batchStarted(ms(250));
        clock.set(ms(500));
        assertThat(telemetry.device().getPowerWatts()).as("under way").isCloseTo(70, within(1e-6));
        stats.batchDone(ms(625), 1, 0);
        clock.set(ms(750));
        GpuTelemetry last = telemetry.device();
        assertThat(last.getEnergyJoules()).isCloseTo(33 * 0.25 + 37 * 0.125, within(1e-6));
        assertThat(last.getPowerWatts()).isCloseTo(33 + 37 * 0.5, within(1e-6));
    }

    @Test
    void shouldTellWhatSlicesOfATenantAddToIdlePower() {
        TenantId tenant = new TenantId("night");
        sharing.limits(new SharingLimits(1, 1, ms(10), 1, ms(10_000)), 0);
        clock.set(ms(100));
        var start = (GateDecision.Start) sharing.next(List.of(new SliceOffer(tenant, 1, "decode", 1, 1, 0)), ms(100));
        sharing.sliceEnded(start.slice(), 1, 0, 1, ms(105));
        clock.set(ms(250));
        assertThat(telemetry.device().getSharing().getTenants())
                .singleElement()
                .satisfies(use -> assertThat(use.getWatts()).isEqualTo(37));

        sharing.bestEffortWaiting(List.of(new SharingControl.TenantLoad(tenant, 1, 4)), 0);
        clock.set(ms(500));
        assertThat(telemetry.device().getSharing().getTenants())
                .singleElement()
                .satisfies(use -> assertThat(use.getWatts()).isNull());
    }

    @Test
    void shouldTellTheTrafficOfEachLink() {
        for (int i = 0; i < 1_000; i++) {
            links.received("a", 100 + i, i);
        }
        links.received("router", 7, -3);
        clock.set(ms(500));

        var records = telemetry.links();
        assertThat(records.stream().map(TelemetryPublisher::key)).containsExactly("a>w", "router>w");
        LinkTelemetry busy = records.getFirst();
        assertThat(busy.getRecords()).isEqualTo(1_000);
        assertThat(busy.getBytes()).isEqualTo(100_000 + 999 * 1_000 / 2);
        assertThat(busy.getIntervalMs()).isEqualTo(500);
        assertThat(busy.getSamples()).hasSizeBetween(32, LinkStats.MAX_SAMPLES);
        assertThat(busy.getSamples().getLast().getTransferUs())
                .as("spread over the interval")
                .isGreaterThan(900);
        assertThat(records.getLast().getSamples().getFirst().getTransferUs()).isEqualTo(-3);
        assertThat(telemetry.links()).isEmpty();
    }

    @Test
    void shouldTellHowTheDeviceIsSharedAndNothingWhereItIsNot() {
        clock.set(ms(10));
        sharing.criticalStarted(ms(10));
        sharing.criticalFinished(new long[] {ms(5)}, 0, ms(20));
        clock.set(ms(250));
        SharingReport report = telemetry.device().getSharing();
        assertThat(report.getRequests()).isEqualTo(1);
        assertThat(report.getResponseP99Ns()).isEqualTo(ms(15));
        assertThat(report.getLimitsFresh()).isFalse();
        assertThat(telemetry.device().getSharing().getRequests()).isZero();

        TelemetryPublisher alone = new TelemetryPublisher(
                new WorkerId("w"),
                17,
                "m",
                device,
                () -> 0,
                stats,
                new EnergyMeter(device, stats, clock::get),
                new SharingControl(SharingSettings.OFF, device.gate()),
                links,
                () -> 0,
                clock::get,
                () -> 0,
                intervals::add);
        assertThat(alone.device().getSharing()).isNull();
    }

    @Test
    void shouldExposeDcgmNamesThatSayTheyAreEmulated() {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        WorkerMetrics metrics = new WorkerMetrics(registry, "w", "m");
        metrics.observe(
                DeviceSpec.parse("emulated:t4").open(),
                () -> new Holding(
                        Optional.of(new LayerRange(2, 4)),
                        HeldLayers.of(new LayerRange(1, 4)),
                        7,
                        5,
                        640,
                        new CostModel(0, 1, 1)),
                stats,
                clock::get,
                () -> 1L << 20);
        EnergyMeter energy = new EnergyMeter(device, stats, clock::get);
        metrics.observeEnergy(device, energy);
        metrics.batch(3, 0, 3, 1_000_000);
        metrics.queued(20_000);
        metrics.sampled(0);
        metrics.sampled(5_000_000);
        metrics.received("a", 300);
        metrics.dropped("duplicate");
        metrics.transition("done", 2_500_000_000L);
        stats.batchStarted(0);
        stats.batchDone(ms(1_000), 3, 0);
        stats.sliceStarted(ms(1_000));
        clock.set(ms(2_000));

        assertThat(registry.scrape())
                .contains("DCGM_FI_DEV_GPU_UTIL{device=\"emulated:t4\",emulated=\"true\",gpu=\"0\"")
                .containsPattern("DCGM_FI_DEV_GPU_UTIL\\{.*} 100.0")
                .containsPattern("DCGM_FI_DEV_POWER_USAGE\\{.*emulated=\"true\".*} 70.0")
                .containsPattern("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION\\{.*emulated=\"true\".*} 140000.0")
                .containsPattern("sluice_worker_energy_joules_total\\{.*use=\"idle\".*} 66.0")
                .containsPattern("sluice_worker_energy_joules_total\\{.*use=\"latency_critical\".*} 37.0")
                .containsPattern("sluice_worker_energy_joules_total\\{.*use=\"best_effort\".*} 37.0")
                .containsPattern("DCGM_FI_DEV_FB_USED\\{.*} 1.0")
                .containsPattern("sluice_worker_tokens_total\\{model=\"m\",phase=\"decode\",worker=\"w\"} 3.0")
                .containsPattern("sluice_worker_compute_seconds_bucket\\{.*le=\"0.001\"} 1")
                .containsPattern("sluice_worker_link_seconds_count\\{from=\"a\".*} 1")
                .containsPattern("sluice_worker_kv_capacity_tokens\\{.*} 640.0")
                .containsPattern("sluice_worker_first_layer\\{.*} 2.0")
                .containsPattern("sluice_worker_end_layer\\{.*} 4.0")
                .containsPattern("sluice_worker_layers_served\\{.*} 2.0")
                .containsPattern("sluice_worker_layers_loaded\\{.*} 3.0")
                .containsPattern("sluice_worker_draining_sessions\\{.*} 5.0")
                .containsPattern("sluice_worker_placement_epoch\\{.*} 7.0")
                .containsPattern("sluice_worker_transition_seconds_count\\{.*outcome=\"done\".*} 1")
                .containsPattern("sluice_worker_transition_seconds_sum\\{.*outcome=\"done\".*} 2.5")
                .containsPattern("sluice_worker_busy_seconds_total\\{.*} 2.0")
                .containsPattern("gen_ai_server_time_per_output_token_seconds_count\\{.*} 1")
                .containsPattern("sluice_worker_chunks_dropped_total\\{.*why=\"duplicate\".*} 1.0");
    }

    private static long ms(long millis) {
        return millis * 1_000_000;
    }
}
