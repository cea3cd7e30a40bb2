/** The commands that compare policies for sharing a simulated GPU, and that say how a running stack shares its devices. */
package io.sluice.launcher.sharing;
