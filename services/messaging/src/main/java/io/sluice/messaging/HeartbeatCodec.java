package io.sluice.messaging;

import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.records.BeatState;
import io.sluice.records.Heartbeat;

/** Heartbeats between wire and domain. Decoding throws {@link IllegalArgumentException} that names the value. Stateless. */
public final class HeartbeatCodec {
    private HeartbeatCodec() {}

    /**
     * @param sequence grows with every heartbeat of the incarnation
     * @param atMs wall clock, milliseconds since the Unix epoch
     */
    public static Heartbeat encode(Beat beat, long sequence, long atMs) {
        return new Heartbeat(
                beat.worker().value(),
                beat.incarnation(),
                sequence,
                BeatState.valueOf(beat.state().name()),
                beat.drainDeadlineMs(),
                Math.toIntExact(beat.leaseMs()),
                beat.reporter(),
                beat.reason(),
                atMs);
    }

    public static Beat decode(Heartbeat record) {
        return new Beat(
                new WorkerId(record.getWorker()),
                record.getIncarnation(),
                Beat.State.valueOf(record.getState().name()),
                record.getDrainDeadlineMs(),
                record.getLeaseMs(),
                record.getReporter(),
                record.getReason());
    }
}
