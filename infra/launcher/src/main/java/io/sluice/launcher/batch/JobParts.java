package io.sluice.launcher.batch;

import io.sluice.launcher.UserException;
import io.sluice.records.BestEffortJob;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Cuts the lines of a job into records that Kafka takes: at most {@value #PART_BYTES} bytes or one line. Stateless. */
public final class JobParts {
    /** Bytes of lines in a record, where they are several. */
    static final int PART_BYTES = 512 << 10;
    /** A record has room for one line of this. */
    static final int LINE_BYTES_MAX = 4 << 20;
    /** Lines in a record. */
    static final int PART_LINES = 2_000;

    private JobParts() {}

    /** @param head what every part says; its items are the lines */
    public static List<BestEffortJob> of(BestEffortJob head, List<String> lines) {
        List<BestEffortJob> parts = new ArrayList<>();
        int first = 0;
        int bytes = 0;
        for (int i = 0; i < lines.size(); i++) {
            int its = lines.get(i).getBytes(StandardCharsets.UTF_8).length;
            if (its > LINE_BYTES_MAX) {
                throw new UserException("item " + i + " has " + its + " bytes, at most " + LINE_BYTES_MAX
                        + " fit into a record; shorten it");
            }
            if (i > first && (bytes + its > PART_BYTES || i - first == PART_LINES)) {
                parts.add(part(head, lines, first, i));
                first = i;
                bytes = 0;
            }
            bytes += its;
        }
        parts.add(part(head, lines, first, lines.size()));
        return parts;
    }

    private static BestEffortJob part(BestEffortJob head, List<String> lines, int first, int end) {
        return BestEffortJob.newBuilder(head)
                .setInput(List.copyOf(lines.subList(first, end)))
                .setFirstItem(first)
                .setItemsTotal(lines.size())
                .build();
    }
}
