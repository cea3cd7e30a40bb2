package io.sluice.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.placement.PlacementMethod;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlacementCatalogueTest {
    @Test
    void shouldFindEveryMethodByItsName() {
        List<String> names =
                PlacementCatalogue.all().stream().map(PlacementMethod::name).toList();
        assertThat(new HashSet<>(names)).hasSameSizeAs(names);
        assertThat(names).startsWith(PlacementCatalogue.DEFAULT).contains("milp", "milp-count", "lns", "petals");
        for (String name : names) {
            assertThat(PlacementCatalogue.byName(name).name()).isEqualTo(name);
            assertThat(PlacementCatalogue.byName(name).description()).isNotBlank();
        }
    }

    @Test
    void shouldNameTheMethodsThereAre() {
        assertThatThrownBy(() -> PlacementCatalogue.byName("gurobi"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("gurobi")
                .hasMessageContaining("milp-count");
    }
}
