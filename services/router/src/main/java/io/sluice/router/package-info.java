/**
 * The router: a Kafka Streams application that checks and tokenizes requests, chooses a pipeline for each, and turns
 * its tokens into one completion. {@link io.sluice.router.RouterTopology} is the graph,
 * {@link io.sluice.router.RouterProcessor} turns records into decisions of the core and these into records,
 * {@link io.sluice.router.RouterService} is the life cycle.
 */
package io.sluice.router;
