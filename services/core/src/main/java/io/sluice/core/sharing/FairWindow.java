package io.sluice.core.sharing;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Which job sends its next item into a bounded window of items in flight: tenants take turns by weight
 * ({@link FairTurns}), the jobs of one tenant go one after another, the oldest first. A job that has nothing more to send
 * leaves; its items in flight keep their places until they end. Deterministic. Not thread-safe.
 */
public final class FairWindow {
    private final int size;
    private final FairTurns turns = new FairTurns();
    private final Map<TenantId, Tenant> tenants = new TreeMap<>();
    private final Map<String, Entry> jobs = new HashMap<>();
    private int inFlight;

    private static final class Tenant {
        private final FairTurns.Account account = new FairTurns.Account();
        private final TreeMap<Long, Entry> line = new TreeMap<>();
    }

    private record Entry(String job, long order, TenantId tenant, double weight) {}

    /** @param size most items in flight, at least 1 */
    public FairWindow(int size) {
        if (size < 1) {
            throw new IllegalArgumentException("a window of " + size + " items must have room for at least 1");
        }
        this.size = size;
    }

    /**
     * A job has items to send; nothing changes when it is in its tenant's line already.
     *
     * @param order its place among its tenant's jobs, lower is earlier; no other job has the same
     * @param weight of its tenant while this job sends, see {@link FairTurns#weight}
     */
    public void enter(String job, long order, TenantId tenant, double weight) {
        if (jobs.containsKey(job)) {
            return;
        }
        Entry entry = new Entry(job, order, tenant, FairTurns.weight("weight of job " + job, weight));
        jobs.put(job, entry);
        Entry other = tenants.computeIfAbsent(tenant, key -> new Tenant()).line.putIfAbsent(order, entry);
        if (other != null) {
            throw new IllegalStateException("jobs " + job + " and " + other.job + " have the same place " + order);
        }
    }

    /** A job has nothing more to send. */
    public void leave(String job) {
        Entry entry = jobs.remove(job);
        if (entry != null) {
            tenants.get(entry.tenant).line.remove(entry.order);
            tenants.values().removeIf(tenant -> tenant.line.isEmpty() && turns.isEven(tenant.account));
        }
    }

    /** The job whose turn it is; empty when the window is full or no job is in line. */
    public Optional<String> next() {
        if (inFlight >= size) {
            return Optional.empty();
        }
        Entry first = null;
        double least = Double.POSITIVE_INFINITY;
        for (Tenant tenant : tenants.values()) {
            if (!tenant.line.isEmpty() && turns.startTag(tenant.account) < least) {
                least = turns.startTag(tenant.account);
                first = tenant.line.firstEntry().getValue();
            }
        }
        return Optional.ofNullable(first).map(Entry::job);
    }

    /**
     * The job, which is in line, sends an item.
     *
     * @param cost in the same unit for all, for example tokens; not negative
     */
    public void started(String job, double cost) {
        Entry entry = jobs.get(job);
        turns.started(tenants.get(entry.tenant).account, Shares.notNegative("cost", cost), entry.weight);
        inFlight++;
    }

    /** An item was in flight before a restart. */
    public void restored() {
        inFlight++;
    }

    /** An item in flight has ended. */
    public void ended() {
        if (inFlight == 0) {
            throw new IllegalStateException("an item ended, but none was in flight");
        }
        inFlight--;
    }

    public int inFlight() {
        return inFlight;
    }
}
