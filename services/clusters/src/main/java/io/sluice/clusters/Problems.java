package io.sluice.clusters;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Collects what is wrong with one file. Not thread-safe. */
final class Problems {
    private static final int MOST_SHOWN = 20;

    private final String file;
    private final List<Problem> found = new ArrayList<>();

    private record Problem(int line, String text) {}

    Problems(String file) {
        this.file = file;
    }

    String file() {
        return file;
    }

    void add(int line, String path, String message) {
        String text = file + ":" + line + ": " + (path.isEmpty() ? "" : path + ": ") + message;
        if (found.stream().noneMatch(problem -> problem.text().equals(text))) {
            found.add(new Problem(line, text));
        }
    }

    void add(FileValue where, String message) {
        add(where.line(), where.path(), message);
    }

    int size() {
        return found.size();
    }

    /** Stops here with everything found. */
    ClusterFileException exception() {
        found.sort(Comparator.comparingInt(Problem::line));
        List<String> lines = new ArrayList<>(
                found.stream().limit(MOST_SHOWN).map(Problem::text).toList());
        if (found.size() > MOST_SHOWN) {
            lines.add(file + ": and " + (found.size() - MOST_SHOWN) + " more");
        }
        return new ClusterFileException(lines);
    }

    ClusterFileException fail(FileValue where, String message) {
        add(where, message);
        return exception();
    }

    /** Throws when anything was found. */
    void check() {
        if (!found.isEmpty()) {
            throw exception();
        }
    }
}
