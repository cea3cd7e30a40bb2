package io.sluice.launcher.demo;

import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.RequestOutcome;
import java.io.PrintStream;
import java.util.Locale;

/** Shows each request as it ends, one line a request, so that a person sees text come back. One thread. */
final class LiveView implements LoadGenerator.Listener {
    private static final int WIDTH = 100;

    private final PrintStream out;

    LiveView(PrintStream out) {
        this.out = out;
    }

    @Override
    public void onEnd(RequestOutcome outcome, int ended, int total) {
        if (outcome.failure() != null) {
            out.printf("%4d/%d  %s%n", ended, total, outcome.failure());
            return;
        }
        String path = String.join(
                " > ",
                outcome.completion().getPipeline().stream()
                        .map(stage -> stage.getWorker())
                        .toList());
        String text = (tail(outcome.request().getPrompt()) + "│" + outcome.text()).replaceAll("\\s+", " ");
        out.printf(
                Locale.ROOT,
                "%4d/%d  %-14s %5.0f ms  %s%n",
                ended,
                total,
                path,
                outcome.endToEndMs(),
                text.length() <= WIDTH ? text : text.substring(0, WIDTH - 1) + "…");
    }

    /** The end of a long prompt: what the model continues. */
    private static String tail(String prompt) {
        int keep = WIDTH / 3;
        return prompt == null || prompt.length() <= keep
                ? String.valueOf(prompt)
                : "…" + prompt.substring(prompt.length() - keep);
    }
}
