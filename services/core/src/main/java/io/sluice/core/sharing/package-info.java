/**
 * Best-effort work beside latency-critical inference on one device, on three time scales; only data passes between them.
 *
 * <p>L0, microseconds, in the launcher of a device: {@link io.sluice.core.sharing.SliceGate} lets a bounded slice of
 * best-effort work start only while no latency-critical work is there, or beside it on lanes within the quota; it raises
 * the flag that makes slices yield, and shares among tenants by weight.
 *
 * <p>L1, per request or per report of some tens of milliseconds: {@link io.sluice.core.sharing.ConformalQuota} moves the
 * quota by whether latency objectives were missed; its long-run bound needs no model of the device.
 *
 * <p>L2, every one to ten seconds: response curves learnt from telemetry and a knapsack over levels say how much a tenant
 * may get at most; the result is {@link io.sluice.core.sharing.SharingLimits}, with an epoch and an end.
 *
 * <p>Each scale is at least ten times slower than the one below. The live worker, the streaming job and the simulator
 * call the same classes: time is a parameter, everywhere.
 */
package io.sluice.core.sharing;
