/**
 * What a cluster is made of: machines of several types in regions, links between them, models and how fast each machine
 * type runs their layers. Immutable values; files are read elsewhere.
 */
package io.sluice.core.cluster;
