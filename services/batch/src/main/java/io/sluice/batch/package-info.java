/**
 * Offline jobs: batches of prompts, in the shape of OpenAI's batch files, that become best-effort requests and whose
 * results are published item by item, each exactly once. {@link io.sluice.batch.BatchService} runs it.
 */
package io.sluice.batch;
