package io.sluice.launcher.chaos;

import io.sluice.core.LayerRange;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which faults happen when, drawn from a seed: one in every stretch of a minute divided by the rate, at a random moment of
 * it; kinds take turns in random order. The same arguments give the same schedule. Immutable.
 *
 * <p>No part is hit again before it has settled from the last time. With {@code keepServing} a worker is hit only while
 * another one with the same layers is neither hit nor settling; a fault for which there is no such worker gives way to
 * another kind, or, where none fits, is left out.
 */
record FaultSchedule(List<Fault> faults) {
    private static final String BROKER = "broker";

    FaultSchedule {
        faults = List.copyOf(faults);
    }

    /**
     * What is drawn.
     *
     * @param minutes how long faults happen, minutes
     * @param perMinute faults a minute
     * @param kinds kinds to choose from
     * @param workers layers of every worker
     * @param keepServing whether the last holder of a layer range is spared
     */
    record Rule(
            double minutes,
            double perMinute,
            Set<FaultKind> kinds,
            SortedMap<String, LayerRange> workers,
            boolean keepServing) {
        Rule {
            Objects.requireNonNull(kinds, "kinds");
            if (!(minutes > 0) || !(perMinute > 0) || kinds.isEmpty() || workers.isEmpty()) {
                throw new IllegalArgumentException("--minutes " + minutes + " and --faults-per-minute " + perMinute
                        + " must be positive, and kinds of faults and workers be given");
            }
        }
    }

    /** Draws a schedule. */
    static FaultSchedule draw(long seed, Rule rule) {
        return new Draw(seed, rule).run();
    }

    private static final class Draw {
        private final Random random;
        private final Rule rule;
        /** Until when a part is hit or settling. */
        private final Map<String, Long> awayUntil = new HashMap<>();

        private final List<FaultKind> bag = new ArrayList<>();
        private final List<Fault> drawn = new ArrayList<>();

        Draw(long seed, Rule rule) {
            this.random = new Random(seed);
            this.rule = rule;
        }

        FaultSchedule run() {
            long count = Math.round(rule.minutes() * rule.perMinute());
            double stretchMs = 60_000 / rule.perMinute();
            for (long i = 0; i < count; i++) {
                one((long) ((i + random.nextDouble()) * stretchMs));
            }
            return new FaultSchedule(drawn);
        }

        private void one(long atMs) {
            if (bag.isEmpty()) {
                bag.addAll(rule.kinds().stream().sorted().toList());
                Collections.shuffle(bag, random);
            }
            for (FaultKind kind : List.copyOf(bag)) {
                if (tryKind(kind, atMs)) {
                    bag.remove(kind);
                    return;
                }
            }
            for (FaultKind kind : rule.kinds().stream().sorted().toList()) {
                if (tryKind(kind, atMs)) {
                    return;
                }
            }
        }

        private boolean tryKind(FaultKind kind, long atMs) {
            int spread = kind.mostMs() - kind.leastMs();
            long durationMs = kind.leastMs() + (spread == 0 ? 0 : random.nextInt(spread + 1));
            boolean hard = random.nextBoolean();
            Optional<String> target = kind.hitsWorker() ? worker(atMs) : part(kind, atMs);
            target.ifPresent(name -> {
                drawn.add(new Fault(atMs, kind, name, durationMs, hard));
                awayUntil.put(name, atMs + durationMs + kind.settleMs());
            });
            return target.isPresent();
        }

        private Optional<String> worker(long atMs) {
            SortedMap<String, LayerRange> possible = new TreeMap<>();
            rule.workers().forEach((name, layers) -> {
                if (isHere(name, atMs) && (!rule.keepServing() || hasOther(name, layers, atMs))) {
                    possible.put(name, layers);
                }
            });
            return any(List.copyOf(possible.keySet()));
        }

        private boolean hasOther(String name, LayerRange layers, long atMs) {
            return rule.workers().entrySet().stream()
                    .anyMatch(other -> !other.getKey().equals(name)
                            && other.getValue().equals(layers)
                            && isHere(other.getKey(), atMs));
        }

        private Optional<String> part(FaultKind kind, long atMs) {
            if (kind == FaultKind.DISK) {
                List<String> full = new ArrayList<>(rule.workers().keySet());
                full.removeIf(name -> !isHere(name, atMs));
                // As often the broker as some worker: only the broker keeps anything on its disk.
                if (isHere(BROKER, atMs) && (full.isEmpty() || random.nextBoolean())) {
                    return Optional.of(BROKER);
                }
                return any(full);
            }
            return isHere(kind.word(), atMs) ? Optional.of(kind.word()) : Optional.empty();
        }

        private Optional<String> any(List<String> names) {
            return names.isEmpty() ? Optional.empty() : Optional.of(names.get(random.nextInt(names.size())));
        }

        private boolean isHere(String part, long atMs) {
            return awayUntil.getOrDefault(part, Long.MIN_VALUE) <= atMs;
        }
    }
}
