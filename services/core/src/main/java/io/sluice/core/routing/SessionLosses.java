package io.sluice.core.routing;

import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.LeaseTable;
import io.sluice.core.membership.Members;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** Which workers of its pipeline a session has lost, as heartbeats and reports tell. Stateless but for its sources. */
final class SessionLosses {
    private final Members members;

    SessionLosses(Members members) {
        this.members = Objects.requireNonNull(members, "members");
    }

    /** Remembers incarnations that were not known when the session was assigned. */
    AttemptNotes adopt(RunningSession session) {
        List<Stage> stages = session.pipeline().stages();
        List<Long> known = new ArrayList<>();
        for (int i = 0; i < stages.size(); i++) {
            long before = session.notes().incarnation(i);
            known.add(
                    before == LeaseTable.UNKNOWN
                            ? members.incarnation(stages.get(i).worker())
                            : before);
        }
        return known.equals(session.notes().incarnations())
                ? session.notes()
                : session.notes().withIncarnations(known);
    }

    /** What was lost, and why, for people. */
    String describe(Set<WorkerId> lost) {
        return "lost "
                + lost.stream()
                        .map(worker -> worker + " (" + members.lossOf(worker) + ")")
                        .collect(Collectors.joining(", "));
    }

    /** Workers of the pipeline that are not there. */
    Set<WorkerId> gone(Pipeline pipeline) {
        return workers(pipeline, worker -> !members.isAlive(worker));
    }

    /** Workers of the pipeline that have nothing of the session any more, though they may be there. */
    Set<WorkerId> emptied(RunningSession session, SessionWatch watch) {
        Set<WorkerId> workers = new TreeSet<>();
        List<Stage> stages = session.pipeline().stages();
        for (int i = 0; i < stages.size(); i++) {
            WorkerId worker = stages.get(i).worker();
            long before = session.notes().incarnation(i);
            long now = members.incarnation(worker);
            boolean anew = before != LeaseTable.UNKNOWN && now != LeaseTable.UNKNOWN && now != before;
            if (anew || watch.emptied().contains(worker)) {
                workers.add(worker);
            }
        }
        return workers;
    }

    /** Workers of the pipeline that are about to leave. */
    Set<WorkerId> draining(Pipeline pipeline) {
        return workers(pipeline, worker -> members.drainDeadlineMs(worker).isPresent());
    }

    private static Set<WorkerId> workers(Pipeline pipeline, Predicate<WorkerId> which) {
        return pipeline.stages().stream()
                .map(Stage::worker)
                .filter(which)
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
