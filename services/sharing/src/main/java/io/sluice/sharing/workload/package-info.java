/**
 * What runs on the simulated GPU: kernel programmes from Orion's published profiles or from stated parameters, jobs that
 * stand for published ones, arrival processes, and every fitted number in {@link io.sluice.sharing.workload.Calibration}.
 */
package io.sluice.sharing.workload;
