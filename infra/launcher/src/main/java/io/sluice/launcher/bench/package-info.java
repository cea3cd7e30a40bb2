/**
 * Benchmarks behind {@code sluice bench}: each measures itself against a baseline in the same run, prints a table and
 * writes the same rows as JSON together with the machine. Time decides nothing but the figures.
 */
package io.sluice.launcher.bench;
