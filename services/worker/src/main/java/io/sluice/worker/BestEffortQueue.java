package io.sluice.worker;

import io.sluice.core.batching.BatchScheduler;
import io.sluice.core.sharing.TenantId;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** Best-effort work that waits, by tenant, in the order in which they came. Owned by the compute thread. */
final class BestEffortQueue {
    private final Map<TenantId, BestEffortTenant> tenants = new LinkedHashMap<>();

    /** Where a session's work goes. */
    BatchScheduler<Work> of(StageSession session) {
        BestEffortTenant tenant = tenants.computeIfAbsent(session.plan.tenant(), BestEffortTenant::new);
        tenant.weight = session.plan.weight();
        return tenant.waiting();
    }

    /** Forgets everything of a session. */
    void forget(StageSession session) {
        BestEffortTenant tenant = tenants.get(session.plan.tenant());
        if (tenant != null) {
            tenant.forget(session);
        }
    }

    /** Tenants that have work. */
    Collection<BestEffortTenant> tenants() {
        tenants.values().removeIf(BestEffortTenant::isEmpty);
        return Collections.unmodifiableCollection(tenants.values());
    }

    /** Batches under way. */
    int resting() {
        return (int) tenants.values().stream().filter(t -> t.resting != null).count();
    }

    /** Steps that wait or rest. */
    int steps() {
        return tenants.values().stream().mapToInt(BestEffortTenant::steps).sum();
    }
}
