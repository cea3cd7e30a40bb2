/**
 * Which ready chunks a worker runs next: decode steps before prompt chunks, prompt chunks bounded in tokens, first in
 * first out among equals, and no starvation of either (continuous batching with chunked prefill).
 */
package io.sluice.core.batching;
