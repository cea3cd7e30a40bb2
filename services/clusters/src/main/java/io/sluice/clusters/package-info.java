/** Cluster files: YAML written by people, folders of published data, placements as JSON. */
package io.sluice.clusters;
