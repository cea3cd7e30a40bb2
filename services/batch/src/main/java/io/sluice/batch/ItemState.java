package io.sluice.batch;

/** Where an item stands; the order is that of the bytes in the store. */
enum ItemState {
    /** Its part has not come. */
    ABSENT,
    /** It is there and not sent. */
    WAITING,
    /** Its request is out. */
    SENT,
    /** It has a result. */
    DONE,
    /** It has a result, and that is an error. */
    FAILED;

    private static final ItemState[] ALL = values();

    static ItemState of(byte code) {
        return ALL[code];
    }

    byte code() {
        return (byte) ordinal();
    }

    boolean isOver() {
        return this == DONE || this == FAILED;
    }
}
