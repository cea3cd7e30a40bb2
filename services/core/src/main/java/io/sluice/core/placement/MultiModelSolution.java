package io.sluice.core.placement;

import io.sluice.core.cluster.Links;
import io.sluice.core.placement.LayoutFlow.LinkFlow;
import java.util.List;
import java.util.Objects;

/**
 * Where the layers of several models are and what flows through them at the same time. Immutable; whether it can be is
 * for {@link MultiModelVerifier} to say.
 *
 * @param lambda what every model carries by its weight at least, tokens/s: the maximum concurrent flow
 * @param models in the order of the {@link MultiModelProblem}
 */
public record MultiModelSolution(double lambda, List<Served> models) {
    public MultiModelSolution {
        models = List.copyOf(models);
    }

    /**
     * One model's part.
     *
     * @param flow tokens/s from source to sink
     * @param links links that carry some of it; capacity as if the model had the link to itself
     */
    public record Served(Layout layout, double flow, List<LinkFlow> links) {
        public Served {
            Objects.requireNonNull(layout, "layout");
            links = List.copyOf(links);
        }

        /** Tokens/s through every node. */
        public double[] nodeFlow() {
            double[] through = new double[layout.nodes()];
            for (LinkFlow link : links) {
                if (link.to() != Links.COORDINATOR) {
                    through[link.to()] += link.flow();
                }
            }
            return through;
        }
    }

    /** The layouts alone. */
    public List<Layout> layouts() {
        return models.stream().map(Served::layout).toList();
    }
}
