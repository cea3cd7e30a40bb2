/** The {@code demo} command: a stack, a replayed load, the text that came back and who carried how much of it. */
package io.sluice.launcher.demo;
