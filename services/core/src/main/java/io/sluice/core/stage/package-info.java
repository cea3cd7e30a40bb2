/** What a stage does with the sessions that pass through it: the fence, the order of chunks, the start of attempts. */
package io.sluice.core.stage;
