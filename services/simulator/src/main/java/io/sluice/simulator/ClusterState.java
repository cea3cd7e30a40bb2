package io.sluice.simulator;

/** What a routing policy can see of the running cluster. Live; for reading. */
public interface ClusterState {
    /** Tokens in the node's KV cache, summed over its layers. */
    long kvUsedTokenLayers(int node);

    /** Work items that wait at the node's door. */
    int waitingAtNode(int node);

    /** Work items queued for the link. */
    int waitingForLink(int link);

    /** Whether nothing is being sent on the link. */
    boolean idle(int link);

    /** Requests started and not ended. */
    int inFlight();
}
