/** {@code sluice plan}: places models on a cluster, shows the placement as tables, sentences, JSON and a picture. */
package io.sluice.launcher.plan;
