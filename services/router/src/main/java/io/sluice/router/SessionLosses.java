package io.sluice.router;

import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.LeaseTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Which workers of its pipeline a session has lost, as heartbeats and reports tell. Used by one task. */
final class SessionLosses {
    private final SessionBook book;
    private final Membership members;

    SessionLosses(SessionBook book, Membership members) {
        this.book = book;
        this.members = members;
    }

    /** Remembers incarnations that were not known when the session was assigned. */
    StoredSession adopt(StoredSession session) {
        List<Stage> stages = session.life().pipeline().stages();
        List<Long> known = new ArrayList<>();
        for (int i = 0; i < stages.size(); i++) {
            long before = session.notes().incarnation(i);
            known.add(
                    before == LeaseTable.UNKNOWN
                            ? members.incarnation(stages.get(i).worker())
                            : before);
        }
        if (known.equals(session.notes().incarnations())) {
            return session;
        }
        StoredSession adopted = session.with(session.notes().withIncarnations(known));
        book.note(adopted);
        return adopted;
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
        return pipeline.stages().stream()
                .map(Stage::worker)
                .filter(worker -> !members.isAlive(worker))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Workers of the pipeline that have nothing of the session any more, though they may be there. */
    Set<WorkerId> emptied(StoredSession session, SessionWatch watch) {
        Set<WorkerId> workers = new TreeSet<>();
        List<Stage> stages = session.life().pipeline().stages();
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
        return pipeline.stages().stream()
                .map(Stage::worker)
                .filter(worker -> members.drainDeadlineMs(worker).isPresent())
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
