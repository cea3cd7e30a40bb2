package io.sluice.core.sharing;

import java.util.Objects;

/**
 * One level that a tenant could get, with what it is worth and what it uses. Immutable.
 *
 * @param level what would be granted
 * @param value worth of the work expected at this level less its energy and the cost of a change, in any unit that adds
 *     up; may be negative
 * @param uses how much of each budget it uses, in the order of the budgets, not negative
 */
@SuppressWarnings("ArrayRecordComponent") // Some thousand of them are compared in a millisecond.
public record LevelOption(TenantLevel level, double value, double[] uses) {
    public LevelOption {
        Objects.requireNonNull(level, "level");
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            throw new IllegalArgumentException("value of a level of " + level.tenant() + " is " + value);
        }
        uses = uses.clone();
        for (double use : uses) {
            Shares.notNegative("use of a budget by a level of " + level.tenant(), use);
        }
    }
}
