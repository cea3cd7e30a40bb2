package io.sluice.worker.sharing;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

final class SharingSettingsTest {
    @Test
    void shouldRejectMoreCoresThanTheProcessHas() {
        SharingSettings two = SharingSettings.DEFAULT.withCores(2);
        assertThatCode(() -> two.requireCores(2))
                .as("all of them: pools in the gaps")
                .doesNotThrowAnyException();
        assertThatCode(() -> two.requireCores(8)).doesNotThrowAnyException();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SharingSettings.DEFAULT.withCores(3).requireCores(2))
                .withMessage("--best-effort-cores is 3, but this process has 2 cores: it must be at most 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SharingSettings.DEFAULT.withCores(1).requireCores(1))
                .withMessageContaining("1 core: leave it away");
    }
}
