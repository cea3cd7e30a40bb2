package io.sluice.worker.sharing;

import io.sluice.core.sharing.GroupPool;
import io.sluice.core.sharing.KernelGroup;
import io.sluice.core.sharing.LimitsLease;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.TenantId;
import io.sluice.core.sharing.TenantLevel;
import io.sluice.records.Limits;
import io.sluice.records.TenantLimit;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns published limits into limits on this worker's clock. They end when the planner's clock says so, and at the latest
 * after the length of their lease from the moment of reading, so that a clock that is ahead lengthens nothing; no lease is
 * longer than {@value #MOST_LEASE_SECONDS} s.
 *
 * <p>What is not for this incarnation is passed over. What makes no sense allows nothing, from then on until a record
 * that does. Both are logged once until sense comes again, limits of former incarnations not at all, because they stay in
 * the topic. Not thread-safe.
 */
public final class LimitsReader {
    /** Longest lease, s. */
    public static final int MOST_LEASE_SECONDS = LimitsLease.MOST_SECONDS;

    private static final Logger LOG = LoggerFactory.getLogger(LimitsReader.class);
    private static final long MOST_SLICE_NANOS = Duration.ofSeconds(10).toNanos();

    private static final int MOST_GROUPS = 192;

    private final String self;
    private final long incarnation;
    private long newestEpoch;
    private boolean warned;

    /** @param incarnation of this worker */
    public LimitsReader(String self, long incarnation) {
        this.self = self;
        this.incarnation = incarnation;
    }

    /**
     * Reads a record.
     *
     * @param nowNanos when it was read, ns of the worker's clock
     * @param epochMillis the same moment in ms since the Unix epoch
     * @return what holds from now on; empty: what held before
     */
    public Optional<SharingLimits> read(Limits published, long nowNanos, long epochMillis) {
        if (published.getIncarnation() < incarnation) {
            LOG.debug("worker={} limits=passed_over incarnation={}", self, published.getIncarnation());
            return Optional.empty();
        }
        if (published.getIncarnation() > incarnation) {
            warn("incarnation " + published.getIncarnation() + " is not this one, " + incarnation + ": passed over");
            return Optional.empty();
        }
        try {
            SharingLimits limits = limits(published, nowNanos, epochMillis);
            if (limits.epoch() >= newestEpoch) {
                newestEpoch = limits.epoch();
                warned = false;
            }
            return Optional.of(limits);
        } catch (IllegalArgumentException e) {
            warn("epoch " + published.getEpoch() + " makes no sense, nothing is allowed: " + e.getMessage());
            return Optional.of(new SharingLimits(newestEpoch, 0, 0, 0, Long.MIN_VALUE));
        }
    }

    private static SharingLimits limits(Limits published, long nowNanos, long epochMillis) {
        if (published.getSliceNs() > MOST_SLICE_NANOS) {
            throw new IllegalArgumentException(
                    "slice bound in ns is " + published.getSliceNs() + ": it must be at most " + MOST_SLICE_NANOS);
        }
        List<TenantLevel> levels = new ArrayList<>(published.getLevels().size());
        for (TenantLimit level : published.getLevels()) {
            levels.add(new TenantLevel(
                    new TenantId(level.getTenant()), level.getAdmission(), level.getSliceNs(), level.getLanes()));
        }
        return new SharingLimits(
                published.getEpoch(),
                published.getQuota(),
                published.getSliceNs(),
                published.getLanes(),
                LimitsLease.endNanos(published.getAtMs(), published.getValidUntilMs(), nowNanos, epochMillis),
                levels,
                published.getSideLanes(),
                groups(published));
    }

    private static List<GroupPool> groups(Limits published) {
        if (published.getGroups().size() > MOST_GROUPS) {
            throw new IllegalArgumentException("there are "
                    + published.getGroups().size() + " kernel groups: there must be at most " + MOST_GROUPS);
        }
        List<GroupPool> groups = new ArrayList<>(published.getGroups().size());
        for (io.sluice.records.GroupPool pool : published.getGroups()) {
            groups.add(
                    new GroupPool(new KernelGroup(new TenantId(pool.getTenant()), pool.getGroup()), pool.getLanes()));
        }
        return groups;
    }

    private void warn(String what) {
        if (!warned) {
            LOG.warn("worker={} limits=unusable reason=\"{}\"", self, what);
            warned = true;
        }
    }
}
