/** What a request asks of its latency, and how its pipeline's stages share it. Plain Java, no clock. */
package io.sluice.core.slo;
