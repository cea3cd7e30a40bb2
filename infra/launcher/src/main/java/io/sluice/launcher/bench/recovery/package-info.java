/**
 * Generation under failures in one process, for {@code sluice bench recovery}: the runtime's stages, the activations as
 * workers send them, a log in memory, and the core's recovery planner. Lost is what a lost worker loses: the KV cache
 * of its stage.
 */
package io.sluice.launcher.bench.recovery;
