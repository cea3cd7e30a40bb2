package io.sluice.launcher.bench;

import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.weights.SyntheticModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/**
 * A pipeline of three worker processes, each at a site of its own: decode steps against round-trip time and rate, what the
 * element type of activations brings on slow links, and what it costs in the distribution of the next token. Parts:
 * {@code decode}, {@code payload}, {@code quality}.
 */
final class WanBench implements Bench {
    /** Elements of an activation of {@link #wide}: 4 KiB in fp16. */
    private static final int WIDE_HIDDEN = 2_048;

    @Override
    public void run(Setting setting, BenchReport report) throws Exception {
        if (setting.wants("decode")) {
            new WanDecodePart(setting, report).run();
        }
        if (setting.wants("payload") && !(setting.quick() && setting.parts().isEmpty())) {
            new WanPayloadPart(setting, report, wide(setting)).run();
        }
        if (setting.wants("quality")) {
            new WanQualityPart(setting, report).run();
        }
    }

    /** Three narrow layers with random weights and wide activations, so that the link and not the cores is what limits. */
    private static Path wide(Setting setting) throws IOException {
        ModelConfig shape = new ModelConfig(
                "wide",
                "LlamaForCausalLM",
                3,
                WIDE_HIDDEN,
                128,
                4,
                1,
                64,
                1_024,
                1_024,
                1e-5f,
                1e4,
                true,
                0,
                List.of(0));
        Path folder = setting.data().resolve("models").resolve(shape.name());
        setting.progress("writing " + folder);
        SyntheticModel.write(folder, shape, ActivationDtype.FP16, 1);
        for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(
                    BenchStacks.psalmModel().resolve(file), folder.resolve(file), StandardCopyOption.REPLACE_EXISTING);
        }
        return folder;
    }
}
