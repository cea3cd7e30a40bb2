package io.sluice.sharing.gpu;

import java.util.Arrays;

/** Cohorts in the order they started, over an array that the inner loops read without calls. Not thread-safe. */
final class CohortList {
    /** The first {@link #count} are in use. */
    Cohort[] at = new Cohort[16];

    int count;

    void add(Cohort cohort) {
        if (count == at.length) {
            at = Arrays.copyOf(at, 2 * count);
        }
        at[count++] = cohort;
    }

    /** Removes one; the others keep their order. */
    void remove(int index) {
        count--;
        System.arraycopy(at, index + 1, at, index, count - index);
        at[count] = null;
    }

    /** Removes the last one; null: there is none. */
    Cohort removeLast() {
        if (count == 0) {
            return null;
        }
        Cohort last = at[--count];
        at[count] = null;
        return last;
    }
}
