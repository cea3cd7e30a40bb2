package io.sluice.schemas;

import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Collects an encoded record; large pieces are kept by reference until {@link #toByteArray()} copies each once into an
 * array of the exact size. The pieces must not change until then. Not thread-safe.
 */
final class GatherBuffer extends OutputStream {
    /** Pieces from this size on are kept by reference, bytes; below it a copy is cheaper than the book-keeping. */
    private static final int BY_REFERENCE = 2048;

    private record Piece(int at, byte[] bytes, int offset, int length) {}

    private final List<Piece> pieces = new ArrayList<>();
    private byte[] small = new byte[512];
    private int smallLength;
    private int pieceBytes;

    @Override
    public void write(int value) {
        grow(1);
        small[smallLength++] = (byte) value;
    }

    void writeInt(int value) {
        grow(Integer.BYTES);
        small[smallLength++] = (byte) (value >>> 24);
        small[smallLength++] = (byte) (value >>> 16);
        small[smallLength++] = (byte) (value >>> 8);
        small[smallLength++] = (byte) value;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        if (length >= BY_REFERENCE) {
            pieces.add(new Piece(smallLength, bytes, offset, length));
            pieceBytes = Math.addExact(pieceBytes, length);
            return;
        }
        grow(length);
        System.arraycopy(bytes, offset, small, smallLength, length);
        smallLength += length;
    }

    byte[] toByteArray() {
        byte[] all = new byte[Math.addExact(smallLength, pieceBytes)];
        int from = 0;
        int to = 0;
        for (Piece piece : pieces) {
            System.arraycopy(small, from, all, to, piece.at - from);
            to += piece.at - from;
            from = piece.at;
            System.arraycopy(piece.bytes, piece.offset, all, to, piece.length);
            to += piece.length;
        }
        System.arraycopy(small, from, all, to, smallLength - from);
        return all;
    }

    /** Forgets what was written; lets go of the pieces. */
    void reset() {
        pieces.clear();
        smallLength = 0;
        pieceBytes = 0;
    }

    private void grow(int more) {
        if (small.length - smallLength < more) {
            small = Arrays.copyOf(small, Math.max(small.length * 2, smallLength + more));
        }
    }
}
