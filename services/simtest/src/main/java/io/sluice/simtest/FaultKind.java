package io.sluice.simtest;

/** What can go wrong, as it is counted and reported. */
public enum FaultKind {
    /** A worker is killed. */
    WORKER_CRASH("worker crash"),
    /** A worker stands still, wakes up after its lease and goes on with what it had. */
    WORKER_STOP("worker stop (zombie)"),
    /** A worker cannot reach the brokers for a while. */
    PARTITION("partition"),
    /** A worker is drained. */
    DRAIN("drain"),
    /** A drain is called off. */
    DRAIN_CALLED_OFF("drain called off"),
    /** A new worker joins. */
    JOIN("join"),
    /** A worker starts again under its name, its memory empty. */
    RESTART("restart"),
    /** The same over other layers. */
    RESTART_OTHER_LAYERS("restart over other layers"),
    /** A worker changes the layers that it serves while sessions run on it. */
    LAYERS_MOVED("layers moved"),
    /** Somebody reports the end of a worker that lives. */
    FALSE_REPORT("false report of an end"),
    /** A crash of a router has undone a first attempt, and its number is given once more, over other workers. */
    NUMBER_GIVEN_TWICE("attempt number given twice"),
    /** Partitions go from one router to the other. */
    REBALANCE("partitions re-balanced"),
    /** A router is killed in the middle of a transaction. */
    ROUTER_CRASH("router crash"),
    /** A router cannot reach the brokers. */
    ROUTER_PARTITION("router partition"),
    /** The planner is killed and starts again from its checkpoint. */
    PLANNER_CRASH("planner crash"),
    /** No limits of best-effort work are published for a while. */
    LIMITS_STOP("limits stop coming"),
    /** An old planner publishes its last allocation again. */
    STALE_ALLOCATION("stale allocation"),
    /** A topic gets another leader; what the followers lacked is lost. */
    FAIL_OVER("broker fail-over"),
    /** A broker without followers loses power and records that were read already. */
    POWER_LOSS("broker power loss"),
    /** A disk takes long for every record. */
    SLOW_DISK("slow disk"),
    /** Retention takes the older part of a topic. */
    LOG_TRUNCATION("log truncation"),
    /** The network is slow. */
    SLOW_NETWORK("slow network"),
    /** A request was written, but sent again. */
    DUPLICATED("duplicate"),
    /** A request was lost and came after later ones. */
    REORDERED("reordering"),
    /** A process died while it sent several records: some arrived. */
    PARTIAL_WRITE("partial write"),
    /** A clock was set. */
    CLOCK_JUMP("clock jump"),
    /** A client sends a request again. */
    REPEATED_REQUEST("repeated request");

    private final String words;

    FaultKind(String words) {
        this.words = words;
    }

    /** Two or three words for people. */
    public String words() {
        return words;
    }
}
