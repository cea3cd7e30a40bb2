package io.sluice.simtest;

import io.sluice.core.SessionId;
import io.sluice.core.planning.Allocation;
import java.util.LinkedHashMap;
import java.util.Map;

/** One partition of the topics that a session's key chooses, and what transactions have kept of its sessions. */
final class Partition {
    final int number;
    final Log<Wire.Request> requests;
    final Log<Wire.Token> tokens;
    final Log<Wire.Report> reports;
    /** The changelog of the stores. */
    final Map<SessionId, RouterSession.Stored> committed = new LinkedHashMap<>();
    /** The newest valid allocation that its owner had; null: none yet. */
    Allocation allocation;
    /** Committed positions in requests, tokens and reports. */
    final long[] positions = new long[3];

    Partition(World world, int number) {
        this.number = number;
        requests = new Log<>(world, "requests-" + number, true);
        tokens = new Log<>(world, "tokens-" + number, true);
        reports = new Log<>(world, "reports-" + number, true);
    }
}
