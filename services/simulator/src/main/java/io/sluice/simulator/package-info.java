/** Discrete-event simulation of serving on virtual time, with the policies of the core. */
package io.sluice.simulator;
