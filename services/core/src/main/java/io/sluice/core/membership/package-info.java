/** Who is there: leases by heartbeat, reported ends, drains, and the fence against processes of an earlier start. */
package io.sluice.core.membership;
