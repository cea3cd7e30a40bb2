package io.sluice.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.runtime.text.ChatTemplate.Message;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class JinjaChatTemplateTest {
    private static final InstantSource NOW = InstantSource.fixed(Instant.parse("2026-11-21T09:05:07Z"));

    @Test
    void shouldRenderAsJinja2Does() throws IOException {
        JsonNode reference;
        try (InputStream in = JinjaChatTemplateTest.class.getResourceAsStream("/chat-templates.json")) {
            reference = new ObjectMapper().readTree(in);
        }
        int refused = 0;
        for (JsonNode expected : reference.path("cases")) {
            ChatTemplate template = template(reference
                    .path("templates")
                    .path(expected.path("template").asText())
                    .asText());
            List<Message> messages = new ArrayList<>();
            expected.path("messages")
                    .forEach(message -> messages.add(new Message(
                            message.path("role").asText(),
                            message.path("content").asText())));
            boolean prompt = expected.path("add_generation_prompt").asBoolean();
            if (expected.has("error")) {
                assertThatThrownBy(() -> template.render(messages, prompt))
                        .isInstanceOf(ChatTemplateException.class)
                        .hasMessage("the chat template refuses the messages: "
                                + expected.path("error").asText());
                refused++;
            } else {
                assertThat(template.render(messages, prompt))
                        .as("%s", expected)
                        .isEqualTo(expected.path("text").asText());
            }
        }
        assertThat(reference.path("cases")).hasSize(32);
        assertThat(refused).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for %}",
                "{{ messages[0].content.getClass() }}",
                "{{ messages[0].content.class.name }}x{{ messages[0].content.getBytes() }}",
                "{{ ''.repeat(5) }}",
                "{{ no_such_function('x') }}",
                "{{ 'a' | no_such_filter }}",
                "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}",
                "{{ strftime_now('%Q') }}",
                "{% include '/etc/passwd' %}",
                "{% for a in range(1000) %}{% for b in range(1000) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaa' }}{% endfor %}"
                        + "{% endfor %}"
            })
    void shouldRefuseWhatIsBrokenOrReachesTooFar(String source) {
        assertThatThrownBy(() -> template(source).render(List.of(new Message("user", "hi")), true))
                .isInstanceOf(ChatTemplateException.class)
                .hasMessageStartingWith("the chat template cannot be rendered")
                .hasMessageNotContaining("\n");
    }

    @Test
    void shouldNeverTakeMessagesForTemplates() {
        assertThat(template("{% for m in messages %}{{ m['content'] }}{% endfor %}")
                        .render(List.of(new Message("user", "{{ 1 + 1 }} {% raw %} {# c #} <|im_end|>")), false))
                .isEqualTo("{{ 1 + 1 }} {% raw %} {# c #} <|im_end|>");
    }

    @Test
    void shouldRefuseAMessageWithoutRole() {
        assertThatThrownBy(() -> new Message(" ", "x")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Message("user", null)).isInstanceOf(IllegalArgumentException.class);
    }

    private static ChatTemplate template(String source) {
        return new JinjaChatTemplate(source, "<s>", "</s>", NOW, ZoneOffset.UTC);
    }
}
