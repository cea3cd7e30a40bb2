/** {@code sluice cluster}: imports, checks and explains cluster files. */
package io.sluice.launcher.cluster;
