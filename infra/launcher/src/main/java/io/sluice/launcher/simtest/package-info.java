/** The command that runs the deterministic simulation. */
package io.sluice.launcher.simtest;
