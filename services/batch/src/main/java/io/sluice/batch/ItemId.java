package io.sluice.batch;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names an item of a job, and its request: {@code batch-<job>-<index>}. The same item has the same request id for ever, so
 * that nothing that is sent twice is computed or answered twice. Immutable.
 *
 * @param index from 0
 */
record ItemId(String job, int index) {
    /** What the ids of all requests of jobs begin with. */
    static final String PREFIX = "batch-";
    /** Longest job id: a request id has at most 128 characters. */
    static final int JOB_CHARS_MAX = 100;

    private static final Pattern JOB = Pattern.compile("[A-Za-z0-9._-]{1," + JOB_CHARS_MAX + "}");
    private static final Pattern REQUEST =
            Pattern.compile(PREFIX + "([A-Za-z0-9._-]{1," + JOB_CHARS_MAX + "})-(0|[1-9][0-9]{0,8})");

    static boolean isJobId(String id) {
        return id != null && JOB.matcher(id).matches();
    }

    /** The item of a request; empty when it is of no job. */
    static Optional<ItemId> of(String requestId) {
        Matcher matcher = REQUEST.matcher(requestId);
        return matcher.matches()
                ? Optional.of(new ItemId(matcher.group(1), Integer.parseInt(matcher.group(2))))
                : Optional.empty();
    }

    String requestId() {
        return PREFIX + job + "-" + index;
    }
}
