/** Solvers behind the ports of the core: max-flow, placement MILP and multi-commodity flow with OR-Tools. */
package io.sluice.solver;
