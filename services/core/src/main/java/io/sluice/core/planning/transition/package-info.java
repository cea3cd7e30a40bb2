/**
 * The way from one placement to another while workers serve: which worker loads or drops which layers in which order, so
 * that the max flow never falls below a floor.
 */
package io.sluice.core.planning.transition;
