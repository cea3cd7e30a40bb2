/**
 * Compares policies that fill a GPU with best-effort work beside latency-critical inference, on a simulated device.
 */
package io.sluice.sharing;
