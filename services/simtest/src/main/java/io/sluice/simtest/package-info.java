/** The whole loop in one thread on virtual time, from one seed, with faults and a check after every step. */
package io.sluice.simtest;
