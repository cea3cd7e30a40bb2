package io.sluice.simtest;

import io.sluice.core.LayerRange;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.recovery.ResumeMode;
import io.sluice.core.recovery.StageResume;
import java.util.ArrayDeque;
import java.util.TreeMap;

/** One session at one stage: what the live worker's session of the same name holds. Mutable. */
final class StageSession {
    final SessionId id;
    int attempt;
    /** Null until the set-up of the attempt has come. */
    Wire.Setup setup;

    int index;
    /** Null until the KV cache has room; kept over attempts. */
    KvCache slot;
    /** Chunks taken that wait for KV cache, in order. */
    final ArrayDeque<SimStage.Inbound> parked = new ArrayDeque<>();
    /** Chunks that came before their turn, by position. */
    final TreeMap<Integer, SimStage.Inbound> early = new TreeMap<>();
    /** Wants KV cache and has none. */
    boolean wantsSlot;
    /** Reads its inputs from the log; nothing from the stage before is taken meanwhile. */
    boolean rebuilding;
    /** First record of the attempt in the worker's topic; -1: none yet. */
    long firstOffset = -1;
    /** The newest one: retries can put a prompt's last chunk before others of its chunks. */
    long lastOffset = -1;

    long waitingSinceMicros;
    long touchedMicros;
    boolean setupPassedOn;
    /** Its trouble has been told, and nothing has come since. */
    boolean reported;

    StageSession(SessionId id, int attempt, long nowMicros) {
        this.id = id;
        this.attempt = attempt;
        this.touchedMicros = nowMicros;
    }

    LayerRange layers() {
        return setup.pipeline().stages().get(index).layers();
    }

    boolean isFirst() {
        return index == 0;
    }

    boolean isLast() {
        return index == setup.pipeline().stages().size() - 1;
    }

    Stage next() {
        return setup.pipeline().stages().get(index + 1);
    }

    StageResume resume() {
        return setup.resume(index);
    }

    boolean rebuilds() {
        return resume().mode() == ResumeMode.REBUILD;
    }

    /** Forgets what belongs to the former attempt, but not the KV cache. */
    void takeUp(int newAttempt) {
        attempt = newAttempt;
        setup = null;
        parked.clear();
        early.clear();
        wantsSlot = false;
        rebuilding = false;
        firstOffset = -1;
        lastOffset = -1;
        setupPassedOn = false;
        reported = false;
        waitingSinceMicros = 0;
    }
}
