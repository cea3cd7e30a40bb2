/** {@code sluice simulate}: serves a trace on a placement in virtual time and shows throughput and latency. */
package io.sluice.launcher.simulate;
