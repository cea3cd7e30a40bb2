package io.sluice.core;

/** The two service classes. */
public enum ServiceClass {
    LATENCY_CRITICAL,
    BEST_EFFORT
}
