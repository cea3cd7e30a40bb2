/**
 * Real infrastructure for one machine: a KRaft broker in this JVM, a schema registry as a child process, and the
 * supervision that leaves no child behind. Knows nothing of the services, so that their tests can use it too.
 */
package io.sluice.embedded;
