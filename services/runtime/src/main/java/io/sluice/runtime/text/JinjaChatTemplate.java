package io.sluice.runtime.text;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A chat template in Jinja, as {@code tokenizer_config.json} and GGUF files carry it, rendered as Hugging Face
 * transformers renders it: blocks trimmed, {@code messages}, {@code add_generation_prompt}, {@code bos_token},
 * {@code eos_token}, {@code raise_exception} and {@code strftime_now} defined. Thread-safe.
 *
 * <p>A template is a program from a file: it sees nothing but these values, and what it may write is bounded. The
 * engine is started with the first rendering, which takes some 0.5 s.
 */
public final class JinjaChatTemplate implements ChatTemplate {
    private static final int MAX_OUTPUT_BYTES = 4 << 20;
    private static final String NOW = "sluice_now";

    private final String source;
    private final String bos;
    private final String eos;
    private final InstantSource clock;
    private final ZoneId zone;
    private volatile boolean checked;

    /**
     * @param source the template
     * @param bos text of the token that begins a sequence, empty: none
     * @param eos text of the token that ends one, empty: none
     */
    public JinjaChatTemplate(String source, String bos, String eos) {
        this(source, bos, eos, InstantSource.system(), ZoneId.systemDefault());
    }

    JinjaChatTemplate(String source, String bos, String eos, InstantSource clock, ZoneId zone) {
        this.source = source;
        this.bos = bos;
        this.eos = eos;
        this.clock = clock;
        this.zone = zone;
    }

    @Override
    public String render(List<Message> messages, boolean addGenerationPrompt) {
        Map<String, Object> bindings = new HashMap<>();
        bindings.put(
                "messages",
                messages.stream()
                        .map(message -> Map.of("role", message.role(), "content", message.content()))
                        .toList());
        bindings.put("add_generation_prompt", addGenerationPrompt);
        bindings.put("bos_token", bos);
        bindings.put("eos_token", eos);
        bindings.put(NOW, clock.instant().atZone(zone).toString());
        // Templates ask whether the function is defined, which looks for a variable.
        bindings.put("strftime_now", true);
        RenderResult result;
        try {
            requireSupported();
            result = Engine.JINJA.renderForResult(source, bindings);
        } catch (ChatTemplateException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new ChatTemplateException("the chat template cannot be rendered: " + oneLine(e.getMessage()));
        }
        for (TemplateError error : result.getErrors()) {
            throw refusal(error);
        }
        return result.getOutput();
    }

    private void requireSupported() {
        if (!checked) {
            TemplateCheck.problem(
                            source, name -> Engine.JINJA.getGlobalContext().getFilter(name) != null)
                    .ifPresent(problem -> {
                        throw new ChatTemplateException("the chat template cannot be rendered: " + problem);
                    });
            checked = true;
        }
    }

    private static ChatTemplateException refusal(TemplateError error) {
        for (Throwable cause = error.getException(); cause != null; cause = cause.getCause()) {
            if (cause instanceof Refusal) {
                return new ChatTemplateException(
                        "the chat template refuses the messages: " + oneLine(cause.getMessage()));
            }
        }
        return new ChatTemplateException("the chat template cannot be rendered (line " + error.getLineno() + "): "
                + oneLine(error.getMessage()));
    }

    private static String oneLine(String text) {
        return String.valueOf(text).replaceAll("\\s+", " ");
    }

    /** Called from templates. */
    public static Object raiseException(String message) {
        throw new Refusal(message);
    }

    /** Called from templates. */
    public static String strftimeNow(String format) {
        Object now = JinjavaInterpreter.getCurrent().getContext().get(NOW);
        return Strftime.format(format, ZonedDateTime.parse(String.valueOf(now)));
    }

    /** A template called {@code raise_exception}. */
    private static final class Refusal extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Refusal(String message) {
            super(message);
        }
    }

    /** Loaded with the first rendering. */
    private static final class Engine {
        static final Jinjava JINJA = create();

        private static Jinjava create() {
            JinjavaConfig config = JinjavaConfig.newBuilder()
                    .withTrimBlocks(true)
                    .withLstripBlocks(true)
                    .withMaxOutputSize(MAX_OUTPUT_BYTES)
                    .withNestedInterpretationEnabled(false)
                    .withElResolver(PythonStringMethods.inFrontOfDefaults())
                    .withLegacyOverrides(LegacyOverrides.newBuilder()
                            .withUsePyishObjectMapper(true)
                            .withParseWhitespaceControlStrictly(true)
                            .withAllowAdjacentTextNodes(true)
                            .withKeepNullableLoopValues(true)
                            .withIterateOverMapKeys(true)
                            .withEvaluateMapKeys(true)
                            .withUseTrimmingForNotesAndExpressions(true)
                            .build())
                    .build();
            Jinjava jinja = new Jinjava(config);
            jinja.getGlobalContext().registerFunction(function("raise_exception", "raiseException"));
            jinja.getGlobalContext().registerFunction(function("strftime_now", "strftimeNow"));
            return jinja;
        }

        private static ELFunctionDefinition function(String name, String method) {
            return new ELFunctionDefinition("", name, JinjaChatTemplate.class, method, String.class);
        }
    }
}
