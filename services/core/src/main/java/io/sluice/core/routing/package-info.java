/**
 * Which session goes down which pipeline: interleaved weighted round robin at every vertex (Helix, ASPLOS'25,
 * section 5), the KV budget, the bounded admission queue and the life of a session.
 */
package io.sluice.core.routing;
