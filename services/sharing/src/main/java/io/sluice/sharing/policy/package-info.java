/**
 * Policies that share one GPU between a latency-critical server and best-effort clients, and the clients themselves. A
 * policy sees kernels before they are launched, requests as they begin and end, and the device's launches as they finish;
 * it knows nothing of the model behind the device.
 */
package io.sluice.sharing.policy;
