/**
 * What a stage does with the sessions that pass through it: the fence, the order of chunks, the start of attempts, KV
 * cache, the inputs that it reads from the log again, and when it says that it cannot go on. The live worker and the
 * simulated one both run it.
 */
package io.sluice.core.stage;
