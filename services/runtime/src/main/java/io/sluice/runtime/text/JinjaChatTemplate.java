package io.sluice.runtime.text;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import java.util.List;
import java.util.Map;

/** placeholder, replaced below. */
public final class JinjaChatTemplate implements ChatTemplate {
    private final String source;
    private final String bos;
    private final String eos;

    public JinjaChatTemplate(String source, String bos, String eos) {
        this.source = source;
        this.bos = bos;
        this.eos = eos;
    }

    @Override
    public String render(List<Message> messages, boolean addGenerationPrompt) {
        return "";
    }
}
