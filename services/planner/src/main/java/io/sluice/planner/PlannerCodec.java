package io.sluice.planner;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.BatchCost;
import io.sluice.core.planning.DeviceSample;
import io.sluice.core.planning.Holding;
import io.sluice.core.planning.LinkSample;
import io.sluice.core.planning.LinkSample.Transfer;
import io.sluice.core.planning.MemberStatus;
import io.sluice.core.planning.PublishedPlacement;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.LinkTelemetry;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import java.util.Optional;

/**
 * Membership and telemetry from wire to domain. Throws {@link IllegalArgumentException} that names field and value
 * where the domain has no word for what was sent; whether telemetry is plausible is the planner's business. Stateless.
 */
public final class PlannerCodec {
    /** What the router calls itself in link telemetry. */
    public static final String ROUTER = "router";

    private static final int MAX_NAME_CHARS = 256;
    private static final int MAX_TEXT_CHARS = 4_096;

    private PlannerCodec() {}

    public static MemberStatus decode(WorkerStatus record) {
        return new MemberStatus(
                model(record.getModel(), "status of " + record.getWorker()),
                new WorkerId(record.getWorker()),
                decode(record.getState()),
                record.getIncarnation(),
                holding(record),
                name(record.getRegion(), "region"),
                record.getKvCapacityTokens(),
                record.getPrefillTokensPerS(),
                record.getDecodeTokensPerS(),
                record.getLinkBytesPerS(),
                new BatchCost(record.getBatchUs(), record.getPrefillUsPerToken(), record.getDecodeUsPerToken()),
                record.getAtMs());
    }

    private static Holding holding(WorkerStatus record) {
        // LEFT leaves the layers as they were; equal ends: a spare.
        boolean spare = record.getFirstLayer() == record.getEndLayer();
        return new Holding(
                spare ? Optional.empty() : Optional.of(new LayerRange(record.getFirstLayer(), record.getEndLayer())),
                record.getLoaded().stream()
                        .filter(range -> range.getEndLayer() != range.getFirstLayer())
                        .map(range -> new LayerRange(range.getFirstLayer(), range.getEndLayer()))
                        .toList(),
                record.getMaxLayers(),
                record.getPlacementEpoch(),
                record.getDrainingSessions());
    }

    /** Texts travel with a two-byte length; they are for people, so the end may go. */
    static PublishedPlacement shortened(PublishedPlacement placement) {
        return new PublishedPlacement(
                placement.plan(), placement.transition(), shortened(placement.method()), shortened(placement.reason()));
    }

    private static String shortened(String text) {
        return text.length() <= MAX_TEXT_CHARS ? text : text.substring(0, MAX_TEXT_CHARS);
    }

    private static MemberStatus.State decode(WorkerState state) {
        return switch (state) {
            case JOINED -> MemberStatus.State.JOINED;
            case DRAINING -> MemberStatus.State.DRAINING;
            case LEFT -> MemberStatus.State.LEFT;
        };
    }

    public static DeviceSample decode(GpuTelemetry record) {
        return new DeviceSample(
                model(record.getModel(), "telemetry of " + record.getWorker()),
                new WorkerId(record.getWorker()),
                record.getIncarnation(),
                record.getSequence(),
                record.getAtMs(),
                record.getIntervalMs(),
                record.getBusyUs(),
                record.getUtilization(),
                record.getPrefillTokens(),
                record.getDecodeTokens(),
                record.getBatches());
    }

    public static LinkSample decode(LinkTelemetry record) {
        String from = record.getFromWorker();
        return new LinkSample(
                model(record.getModel(), "link telemetry of " + from + ">" + record.getToWorker()),
                from.equals(ROUTER) ? Allocation.SOURCE : new WorkerId(from).value(),
                new WorkerId(record.getToWorker()).value(),
                record.getAtMs(),
                record.getSamples().stream()
                        .map(t -> new Transfer(t.getBytes(), t.getTransferUs()))
                        .toList());
    }

    private static String model(String model, String where) {
        if (model.isBlank()) {
            throw new IllegalArgumentException(where + ": model must not be blank");
        }
        return name(model, "model");
    }

    /** Names travel with a two-byte length. */
    static String name(String name, String what) {
        if (name.length() > MAX_NAME_CHARS) {
            throw new IllegalArgumentException(what + " '" + name.substring(0, MAX_NAME_CHARS / 4) + "...' has "
                    + name.length() + " characters; at most " + MAX_NAME_CHARS + " are allowed");
        }
        return name;
    }
}
