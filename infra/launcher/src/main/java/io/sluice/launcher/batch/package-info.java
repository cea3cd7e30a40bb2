/** {@code sluice batch}: offline jobs from the command line, in files of OpenAI's batch format. */
package io.sluice.launcher.batch;
