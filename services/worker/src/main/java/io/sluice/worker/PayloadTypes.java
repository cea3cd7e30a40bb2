package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.runtime.ActivationDtype;
import java.util.Objects;

/** Says in which element type hidden states leave for another worker. Asked by the compute thread for each session and step. */
interface PayloadTypes {
    /** The type for positions that are about to be sent there. */
    ActivationDtype to(WorkerId next, int positions);

    /** Of all types it may ever name, the one with the longest rows. */
    ActivationDtype longest();

    /** Always the same. */
    static PayloadTypes fixed(ActivationDtype type) {
        Objects.requireNonNull(type, "type");
        return new PayloadTypes() {
            @Override
            public ActivationDtype to(WorkerId next, int positions) {
                return type;
            }

            @Override
            public ActivationDtype longest() {
                return type;
            }
        };
    }
}
