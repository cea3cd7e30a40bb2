package io.sluice.router;

import io.sluice.core.ServiceClass;
import java.util.Objects;

/** Requests of one model and service class, which wait in one order. Immutable. */
record Line(String model, ServiceClass serviceClass) {
    Line {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(serviceClass, "serviceClass");
    }

    /** The line of a request. */
    static Line of(RoutedRequest request) {
        return new Line(request.model(), request.serviceClass());
    }

    /** The line that goes before this one; null: none does. */
    Line before() {
        return serviceClass == ServiceClass.LATENCY_CRITICAL ? null : new Line(model, ServiceClass.LATENCY_CRITICAL);
    }
}
