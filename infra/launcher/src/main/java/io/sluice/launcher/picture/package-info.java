/** Pictures: a small SVG writer and the plots that commands draw with it; no dependency, dark on white, colour-blind safe. */
package io.sluice.launcher.picture;
