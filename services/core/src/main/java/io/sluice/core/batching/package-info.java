/**
 * Which ready chunks a worker runs next: decode steps before prompt chunks, prompt chunks bounded in tokens, first in
 * first out among equals, and no starvation of either (continuous batching with chunked prefill). The same on links: decode
 * steps together and first, prompts cut into records that are short on that link.
 */
package io.sluice.core.batching;
