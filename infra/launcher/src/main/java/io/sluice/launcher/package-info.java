/**
 * The {@code sluice} command: one class per subcommand. Commands read flags, call the services' own start methods and
 * print for people; with {@code --json FILE} they also write for programs.
 */
package io.sluice.launcher;
