package io.sluice.sharing.gates;

/** Why figures of the gates are outside their bounds, as far as anybody can tell; a sentence each. */
final class Shortfalls {
    static final String NO_SCHEDULING =
            "PEGASUS-X's p99 is 174 ms and GPT2-Large's 47 ms in the artifact, their p95 19 ms"
                    + " both and their p99 under MPS with priorities 16 and 21 ms: stalls of 1 to 5 % of the requests that nothing"
                    + " published explains";

    static final String TALLY_THROUGHPUT =
            "Tally's kernels are not public; the stand-in of GPT2-Large has kernels so short"
                    + " that one launch at a time costs it 37 % of its throughput where the artifact loses 7 %, before any"
                    + " transformation";

    static final String SWITCHES =
            "which kernel of a model needs how many units is not published, and a switch has a cost in"
                    + " the programme here; with none, as printed, mixes 1 and 7 have 40 and 19 switches, but mix 5 has 27 of 12";

    static final String BEST_MIX =
            "the paper's best mix is the one whose baseline is said to let kernels of equal models cut"
                    + " ahead of each other, as one queue for all would; with such a baseline its other systems come in another"
                    + " order than it measured";

    private Shortfalls() {}
}
