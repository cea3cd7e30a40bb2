package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.LinkSample.Transfer;
import io.sluice.core.planning.MemberStatus.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/** Commands as a hostile cluster would send them. */
final class RandomCommands {
    private static final String MODEL = "psalm";
    private static final int WORKERS = 5;

    private RandomCommands() {}

    static PlannerCommand next(SplittableRandom random, long now) {
        return switch (random.nextInt(10)) {
            case 0 -> new PlannerCommand.Announce(status(random, now));
            case 1 -> random.nextInt(4) == 0 ? new PlannerCommand.Place(plan(random)) : new PlannerCommand.Tick(MODEL);
            case 2 -> new PlannerCommand.MeasureLink(link(random, now));
            case 3 ->
                new PlannerCommand.Attend(
                        MODEL,
                        new Presence(
                                worker(random), random.nextInt(3), Presence.State.values()[random.nextInt(4)], ""));
            case 4, 5, 6 -> new PlannerCommand.MeasureDevice(device(random, now));
            default -> new PlannerCommand.Tick(MODEL);
        };
    }

    private static WorkerId worker(SplittableRandom random) {
        return new WorkerId("w" + random.nextInt(WORKERS));
    }

    /** Worker i mostly holds two layers from i on, so that placements and statuses often agree. */
    private static LayerRange layers(SplittableRandom random, WorkerId worker) {
        int i = worker.value().charAt(1) - '0';
        int first = random.nextInt(8) == 0 ? random.nextInt(4) : Math.min(i, 4);
        return new LayerRange(first, first + 2);
    }

    private static Holding holding(SplittableRandom random, WorkerId worker) {
        LayerRange layers = layers(random, worker);
        Optional<LayerRange> served = random.nextInt(8) == 0 ? Optional.empty() : Optional.of(layers);
        return new Holding(served, List.of(), random.nextInt(8), random.nextInt(50), random.nextInt(3));
    }

    private static MemberStatus status(SplittableRandom random, long now) {
        WorkerId worker = worker(random);
        State state = State.values()[random.nextInt(6) == 0 ? random.nextInt(3) : 0];
        double speed = Math.pow(10, random.nextDouble(5));
        return new MemberStatus(
                MODEL,
                worker,
                state,
                random.nextInt(3),
                holding(random, worker),
                "r",
                random.nextInt(5_000),
                speed,
                speed / 2,
                Math.pow(10, 2 + random.nextDouble(8)),
                random.nextBoolean() ? BatchCost.UNKNOWN : new BatchCost(random.nextDouble(1e4), 10, 100),
                now - random.nextLong(8_000));
    }

    private static PlacementPlan plan(SplittableRandom random) {
        List<Stage> stages = new ArrayList<>();
        for (int i = 0; i < WORKERS; i++) {
            WorkerId worker = new WorkerId("w" + i);
            stages.add(new Stage(worker, layers(random, worker)));
        }
        return new PlacementPlan(MODEL, random.nextInt(1, 50), 6, 64, 2, stages);
    }

    private static DeviceSample device(SplittableRandom random, long now) {
        boolean absurd = random.nextInt(5) == 0;
        return new DeviceSample(
                MODEL,
                worker(random),
                random.nextInt(3),
                random.nextLong(1_000),
                now + random.nextLong(-6_000, 2_000),
                250,
                absurd ? random.nextLong() : random.nextLong(250_000),
                absurd ? Double.NaN : 0.5,
                random.nextLong(100),
                absurd ? random.nextLong() : random.nextLong(100),
                random.nextLong(50));
    }

    private static LinkSample link(SplittableRandom random, long now) {
        List<Transfer> transfers = new ArrayList<>();
        for (int i = random.nextInt(20); i > 0; i--) {
            transfers.add(new Transfer(random.nextLong(1_000_000), random.nextLong(-10_000, 1_000_000)));
        }
        return new LinkSample(MODEL, worker(random).value(), worker(random).value(), now, transfers);
    }
}
