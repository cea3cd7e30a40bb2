/**
 * Which session goes down which pipeline: interleaved weighted round robin at every vertex (Helix, ASPLOS'25,
 * section 5) or by what is in flight, the KV budget, how many prompts are computed at once, the bounded admission queue
 * and the life of a session.
 */
package io.sluice.core.routing;
