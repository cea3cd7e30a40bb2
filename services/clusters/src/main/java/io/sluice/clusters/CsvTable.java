package io.sluice.clusters;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A comma-separated file with a header line and no quoting. Every error names file, line and column. Immutable.
 *
 * @param rows in file order; blank lines are left out
 */
record CsvTable(Path file, List<Row> rows) {
    /** Largest file that is read, bytes. */
    static final long MAX_BYTES = 64L << 20;

    CsvTable {
        rows = List.copyOf(rows);
    }

    /**
     * Reads {@code file}.
     *
     * @param required columns that must be there; others are kept, too
     * @throws IllegalArgumentException when the file is missing, too large or not of that form
     */
    static CsvTable read(Path file, String... required) {
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new IllegalArgumentException(
                        file + " has " + Files.size(file) + " bytes; at most " + MAX_BYTES + " are read, split it");
            }
            try (BufferedReader reader = Files.newBufferedReader(file)) {
                return read(file, reader, required);
            }
        } catch (NoSuchFileException e) {
            throw new IllegalArgumentException(file + " does not exist", e);
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(file + " is not UTF-8 text", e);
        } catch (IOException e) {
            throw new IllegalArgumentException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static CsvTable read(Path file, BufferedReader reader, String... required) throws IOException {
        String header = reader.readLine();
        if (header == null || header.isBlank()) {
            throw new IllegalArgumentException(
                    file + " is empty; its first line must name the columns " + String.join(",", required));
        }
        Map<String, Integer> columns = new HashMap<>();
        String[] names = header.split(",", -1);
        for (int i = 0; i < names.length; i++) {
            columns.put(names[i].strip(), i);
        }
        for (String name : required) {
            if (!columns.containsKey(name)) {
                throw new IllegalArgumentException(
                        file + ":1: no column '" + name + "' in the header '" + header + "'");
            }
        }
        List<Row> rows = new ArrayList<>();
        int lineNumber = 1;
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
            lineNumber++;
            if (line.isBlank()) {
                continue;
            }
            String[] cells = line.split(",", -1);
            if (cells.length != names.length) {
                throw new IllegalArgumentException(file + ":" + lineNumber + ": " + cells.length
                        + " cells, but the header names " + names.length + " columns: '" + line + "'");
            }
            rows.add(new Row(file, lineNumber, columns, cells));
        }
        return new CsvTable(file, rows);
    }

    /** One line. */
    static final class Row {
        private final Path file;
        private final int line;
        private final Map<String, Integer> columns;
        private final String[] cells;

        private Row(Path file, int line, Map<String, Integer> columns, String[] cells) {
            this.file = file;
            this.line = line;
            this.columns = columns;
            this.cells = cells;
        }

        /** The cell without surrounding space; empty when there is no such column. */
        String text(String column) {
            Integer index = columns.get(column);
            return index == null ? "" : cells[index].strip();
        }

        double number(String column) {
            try {
                double value = Double.parseDouble(text(column));
                if (Double.isFinite(value)) {
                    return value;
                }
            } catch (NumberFormatException e) {
                // said below
            }
            throw bad(column, "is not a number");
        }

        /** A number that must not be negative. */
        double notNegative(String column) {
            double value = number(column);
            if (value < 0) {
                throw bad(column, "must not be negative");
            }
            return value;
        }

        /** A whole number of at least {@code least}; {@code 1.5e9} is one, too. */
        long whole(String column, long least) {
            double value = number(column);
            if (value != Math.rint(value) || Math.abs(value) > 1L << 53) {
                throw bad(column, "is not a whole number");
            }
            if (value < least) {
                throw bad(column, "must be at least " + least);
            }
            return (long) value;
        }

        /** As {@link #whole}, for what must fit into 32 bits. */
        int count(String column, int least) {
            long value = whole(column, least);
            if (value > Integer.MAX_VALUE) {
                throw bad(column, "must be at most " + Integer.MAX_VALUE);
            }
            return (int) value;
        }

        IllegalArgumentException bad(String column, String why) {
            return new IllegalArgumentException(file + ":" + line + ": " + column + " '" + text(column) + "' " + why);
        }
    }
}
