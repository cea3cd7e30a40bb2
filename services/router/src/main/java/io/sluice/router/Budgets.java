package io.sluice.router;

import io.sluice.core.Pipeline;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.RecoveryCosts;
import io.sluice.core.slo.LinkTimes;
import io.sluice.core.slo.SessionBudgets;
import io.sluice.core.slo.Slo;
import io.sluice.records.HopTiming;
import io.sluice.records.Token;
import java.util.List;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Divides the latency objectives of requests among the stages of their pipelines, by what the newest allocation says of
 * stages and what tokens have told of links. Both are learnt anew after a restart, and a session that gets another pipeline has
 * its objectives divided anew: what it asks for is kept with the request. Thread-safe.
 */
final class Budgets {
    private static final Logger LOG = LoggerFactory.getLogger(Budgets.class);

    private final LinkTimes links = new LinkTimes();
    private long unattainable;

    /**
     * What a session brings to the stages of its pipeline; nothing if it is best-effort, which waits for all others.
     *
     * @param begun whether its first token is out, so that only the others have an objective
     */
    synchronized SessionBudgets of(
            RoutedRequest request, Pipeline pipeline, boolean begun, RecoveryCosts costs, long nowMs) {
        if (request.isBestEffort()) {
            return SessionBudgets.NONE;
        }
        double waitedSeconds = Math.max(0, nowMs - request.arrivalMs()) / 1e3;
        SessionBudgets budgets = SessionBudgets.of(
                begun ? new Slo(OptionalLong.empty(), request.slo().tpotMs()) : request.slo(),
                pipeline,
                request.promptIds().length,
                waitedSeconds,
                costs,
                links,
                RouterCodec.SENDER);
        // Every one is counted; a flood of them must not become a flood of lines.
        if (!budgets.attainable() && Long.bitCount(++unattainable) == 1) {
            LOG.warn(
                    "objectives out of reach id={} ttftMs={} tpotMs={} waitedMs={} promptTokens={} budgets={} soFar={}",
                    request.id(),
                    request.slo().ttftMs(),
                    request.slo().tpotMs(),
                    Math.round(waitedSeconds * 1e3),
                    request.promptIds().length,
                    budgets.stages(),
                    unattainable);
        }
        return budgets;
    }

    /** A token came round: what its step took on the links. Of a prompt's links only the one from the router tells. */
    synchronized void seen(Token token) {
        List<HopTiming> hops = token.getHops();
        boolean decode = token.getIndex() > 0;
        for (int i = 0; i < (decode ? hops.size() : Math.min(1, hops.size())); i++) {
            String from = i > 0
                    ? hops.get(i - 1).getWorker()
                    : decode ? hops.getLast().getWorker() : RouterCodec.SENDER;
            String to = hops.get(i).getWorker();
            if (!from.equals(to)) {
                links.seen(from, new WorkerId(to), hops.get(i).getTransferUs());
            }
        }
    }
}
