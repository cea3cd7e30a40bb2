package io.sluice.worker;

import io.sluice.core.stage.LogPicker;

/** Where a stage reads the inputs again that a lost one had; the answer comes to the compute thread. */
@FunctionalInterface
interface InputLog {
    /**
     * Has the inputs read in the background; never blocks. Answered by one {@link Inbound.Rebuilt} or {@link
     * Inbound.LogGone}.
     */
    void read(LogPicker.Want want);
}
