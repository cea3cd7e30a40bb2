package io.sluice.core.sharing;

import java.util.Objects;

/**
 * Kernels of a best-effort tenant that run one after the other and are placed together, for example those of its decode
 * steps: what {@link StreamPoolProgramme} assigns to a pool in live operation. Ordered by tenant, then name. Immutable.
 *
 * @param name at most {@value #MOST_NAME} characters
 */
public record KernelGroup(TenantId tenant, String name) implements Comparable<KernelGroup> {
    /** Longest name. */
    public static final int MOST_NAME = 64;

    public KernelGroup {
        Objects.requireNonNull(tenant, "tenant");
        if (name.isBlank() || name.length() > MOST_NAME) {
            throw new IllegalArgumentException("kernel group \"" + name.substring(0, Math.min(MOST_NAME, name.length()))
                    + "\" of " + tenant + " must have a name of 1 to " + MOST_NAME + " characters");
        }
    }

    @Override
    public int compareTo(KernelGroup other) {
        int byTenant = tenant.compareTo(other.tenant);
        return byTenant != 0 ? byTenant : name.compareTo(other.name);
    }

    @Override
    public String toString() {
        return tenant + "/" + name;
    }
}
