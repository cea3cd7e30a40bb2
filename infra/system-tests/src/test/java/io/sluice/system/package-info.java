/**
 * Services together, each through its public life cycle, against brokers and registries that are not part of the test:
 * a Kafka container, or the embedded ones as an outside service.
 */
package io.sluice.system;
