package io.sluice.loadgen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.StringReader;
import org.junit.jupiter.api.Test;

class TraceTest {
    @Test
    void shouldReadTheBundledTrace() {
        Trace trace = Trace.bundled();
        assertThat(trace.requests()).hasSize(1000);
        assertThat(trace.requests().getFirst()).isEqualTo(new Trace.Row(0, 374, 44));
    }

    @Test
    void shouldFindColumnsByNameAndSortByArrival() throws IOException {
        Trace trace =
                Trace.read("t", new StringReader("output_tokens,x,arrival_ms,input_tokens\n5,a,20,7\n\n6,b,10,8\n"));
        assertThat(trace.requests()).containsExactly(new Trace.Row(10, 8, 6), new Trace.Row(20, 7, 5));
    }

    @Test
    void shouldNameTheLineThatIsWrong() {
        assertThatThrownBy(() ->
                        Trace.read("t", new StringReader("arrival_ms,input_tokens,output_tokens\n1,2,3\n1,x,3\n")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("line 3")
                .hasMessageContaining("1,x,3");
        assertThatThrownBy(() -> Trace.read("t", new StringReader("arrival_ms,input_tokens,output_tokens\nNaN,2,3\n")))
                .hasMessageContaining("line 2");
        assertThatThrownBy(() -> Trace.read("t", new StringReader("arrival_ms,input_tokens\n")))
                .hasMessageContaining("output_tokens");
        assertThatThrownBy(() -> Trace.read("t", new StringReader(""))).hasMessageContaining("empty");
    }
}
