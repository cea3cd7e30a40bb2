/**
 * Who carries how much: the worker graph, max-flow over it (Helix, ASPLOS'25, section 4), the estimators that turn
 * telemetry into capacities, hysteresis between solutions, and the verifier that proves a published allocation
 * feasible.
 */
package io.sluice.core.planning;
