/** The commands that compare policies for sharing a simulated GPU. */
package io.sluice.launcher.sharing;
