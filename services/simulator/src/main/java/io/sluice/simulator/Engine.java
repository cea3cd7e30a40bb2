package io.sluice.simulator;

import java.util.ArrayDeque;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/** One group's run: the event loop and the life of requests. Single-threaded; every run has its own. */
final class Engine implements ClusterState {
    static final int ARRIVAL = 0;
    static final int SENT = 1;
    static final int DELIVERY = 2;
    static final int BATCH_DONE = 3;

    /** A backlog that a policy takes without end would fill memory instead of ending in an error. */
    private static final int MOST_IN_FLIGHT = 1_000_000;

    private final Scenario scenario;
    private final Scenario.Group group;
    private final Topology topology;
    private final EventQueue events = new EventQueue();
    private final Window window;
    private final Routing routing;
    private final Machines machines;
    private final Wires wires;
    private final Feeder feeder;
    private final boolean backlog;
    private final ArrayDeque<Request> waiting = new ArrayDeque<>();
    private final Consumer<Work> leaving = this::leave;
    private Request inHand;
    private double now;
    private int inFlight;
    private int leavingNode;
    private long arrived;
    private long finished;
    private long rejected;

    Engine(Scenario scenario, Scenario.Group group) {
        this.scenario = scenario;
        this.group = group;
        this.topology = group.topology();
        this.window = new Window(scenario.warmUpSeconds(), scenario.endSeconds());
        SplittableRandom random = new SplittableRandom(scenario.seed());
        this.feeder = new Feeder(scenario, group.load(), events, random);
        this.backlog = group.load() instanceof Load.Backlog;
        boolean online = group.load() instanceof Load.Rate || group.load() instanceof Load.Given;
        SimulationPolicy policy = scenario.policy();
        this.routing = policy.routing(topology, this, online, random.split());
        this.machines = new Machines(topology, policy, events, window);
        this.wires = new Wires(topology, policy, routing, events, window);
    }

    GroupRun run() {
        feeder.start();
        takeFromBacklog();
        double until = scenario.drain() ? Double.POSITIVE_INFINITY : scenario.endSeconds();
        while (events.nextTime() < until) {
            events.remove();
            now = events.time;
            handle();
            if (events.nextTime() > now) {
                machines.startBatches(now);
            }
        }
        return new GroupRun(
                group,
                window,
                scenario.drain() ? now : scenario.endSeconds(),
                arrived,
                finished,
                rejected,
                machines.kvOverflows(),
                events.added(),
                machines.use(group.name()),
                wires.use(group.name()));
    }

    private void handle() {
        int target = events.target;
        switch (events.kind) {
            case ARRIVAL -> arrive((Request) events.payload);
            case SENT -> {
                Object load = events.payload;
                events.add(now + wires.latencySeconds(target), DELIVERY, target, load);
                wires.sent(target, now);
            }
            case DELIVERY -> deliver(events.payload, topology.to(target));
            case BATCH_DONE -> {
                leavingNode = target;
                machines.finishBatch(target, now, leaving);
                wires.startSending(target, now);
            }
            default -> throw new IllegalStateException("event of kind " + events.kind);
        }
    }

    private void leave(Work work) {
        machines.left(work, leavingNode, now);
        Request request = work.request();
        routing.passed(work, request.link(work.hop), now - work.sentSeconds);
        work.hop++;
        wires.offer(work, leavingNode, now);
    }

    private void deliver(Object load, int vertex) {
        if (load instanceof Work work) {
            deliver(work, vertex);
        } else {
            for (Work work : (Work[]) load) {
                deliver(work, vertex);
            }
        }
    }

    private void deliver(Work work, int vertex) {
        if (vertex >= 0) {
            machines.deliver(work, vertex, now);
        } else if (work.prompt()) {
            promptBack(work);
        } else {
            tokenBack(work);
        }
    }

    private void arrive(Request request) {
        arrived++;
        request.issuedSeconds = now;
        if (!waiting.isEmpty() || !tryStart(request)) {
            waiting.add(request);
        }
    }

    /** Whether the request is settled: started or rejected. */
    private boolean tryStart(Request request) {
        return switch (routing.admit(request, now)) {
            case START -> {
                start(request);
                yield true;
            }
            case WAIT -> false;
            case REJECT -> {
                rejected++;
                feeder.rejected(now);
                yield true;
            }
        };
    }

    private void start(Request request) {
        setInFlight(inFlight + 1);
        window.kvExpectation.set(now, routing.kvExpectation());
        for (int position = 0; position < request.promptTokens(); ) {
            int tokens = Math.clamp(routing.chunkTokens(request, position), 1, request.promptTokens() - position);
            wires.offer(new Work(request, true, position, tokens), -1, now);
            position += tokens;
        }
        wires.startSending(-1, now);
    }

    private void startWaiting() {
        while (!waiting.isEmpty() && tryStart(waiting.peek())) {
            waiting.remove();
        }
        takeFromBacklog();
    }

    private void takeFromBacklog() {
        while (backlog && now < scenario.endSeconds()) {
            if (inHand == null) {
                inHand = feeder.next();
                arrived++;
            }
            inHand.issuedSeconds = now;
            if (!tryStart(inHand)) {
                return;
            }
            inHand = null;
            if (inFlight > MOST_IN_FLIGHT) {
                throw new IllegalStateException("policy " + scenario.policy().name() + " started " + inFlight
                        + " requests of a backlog and never said wait");
            }
        }
    }

    private void promptBack(Work work) {
        Request request = work.request();
        request.promptTokensDone += work.tokens();
        if (request.inPrompt()) {
            return;
        }
        window.promptFinished(now, request, work);
        routing.promptFinished(request, now);
        nextToken(request);
        feeder.promptFinished(now, routing.kvExpectation());
        startWaiting();
    }

    private void tokenBack(Work work) {
        Request request = work.request();
        request.outputTokensDone++;
        window.decoded(now, work, request.stepIssuedSeconds);
        if (request.outputTokensDone < request.outputTokens()) {
            nextToken(request);
            return;
        }
        finished++;
        setInFlight(inFlight - 1);
        machines.free(request, now);
        routing.requestFinished(request, now);
        window.kvExpectation.set(now, routing.kvExpectation());
        feeder.requestEnded(now, routing.kvExpectation());
        startWaiting();
    }

    private void nextToken(Request request) {
        request.stepIssuedSeconds = now;
        routing.decodeStarted(request, now);
        int position = request.promptTokens() + request.outputTokensDone;
        wires.offer(new Work(request, false, position, 1), -1, now);
        wires.startSending(-1, now);
    }

    private void setInFlight(int count) {
        inFlight = count;
        window.inFlight.set(now, count);
    }

    @Override
    public long kvUsedTokenLayers(int node) {
        return machines.kvUsed(node);
    }

    @Override
    public int waitingAtNode(int node) {
        return machines.waiting(node);
    }

    @Override
    public int waitingForLink(int link) {
        return wires.waiting(link);
    }

    @Override
    public boolean idle(int link) {
        return wires.idle(link);
    }

    @Override
    public int inFlight() {
        return inFlight;
    }
}
