/**
 * Checks of the simulated GPU against published measurements, with their figures: what was used to fit the model and what
 * was held out is said in every check.
 */
package io.sluice.sharing.gates;
