/** Events of a simulation by time: the order that makes a run repeatable. */
package io.sluice.core.events;
