/**
 * A GPU at the level of waves of blocks, on virtual time: streams with priority and pool mask dispatch blocks to groups of
 * SMs, bandwidth is shared like a processor, power lowers the clock. Deterministic; times are integer nanoseconds.
 */
package io.sluice.sharing.gpu;
