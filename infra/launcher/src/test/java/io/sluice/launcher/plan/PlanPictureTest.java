package io.sluice.launcher.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class PlanPictureTest {
    private static final List<String> TYPES = List.of("A100", "L4", "T4", "V100");

    /** Stages of four layers of an 80-layer model, nodes in turn; every 23rd holds nothing. */
    static PlanGraph graph(int nodes, int regions) {
        List<PlanGraph.Node> made = new ArrayList<>();
        for (int i = 0; i < nodes; i++) {
            String type = TYPES.get(i % TYPES.size());
            boolean empty = i % 23 == 22;
            int first = empty ? 0 : i * 4 % 80;
            made.add(new PlanGraph.Node(
                    type.toLowerCase(java.util.Locale.ROOT) + "-" + i,
                    type,
                    "r" + i % regions,
                    first,
                    empty ? 0 : first + 4,
                    empty ? 0 : 100 + i,
                    empty ? 0 : 400,
                    1000,
                    first == 8 && !empty));
        }
        List<PlanGraph.Edge> edges = new ArrayList<>();
        for (int i = 0; i < nodes; i++) {
            if (!made.get(i).holds()) {
                continue;
            }
            if (made.get(i).first() == 0) {
                edges.add(new PlanGraph.Edge(PlanGraph.COORDINATOR, i, 100 + i, 1e6, 0.001, false));
            }
            if (made.get(i).end() == 80) {
                edges.add(new PlanGraph.Edge(i, PlanGraph.COORDINATOR, 100 + i, 1e6, 0.001, false));
            }
            if (i + 1 < nodes && made.get(i + 1).first() == made.get(i).end()) {
                edges.add(new PlanGraph.Edge(i, i + 1, 50, 700, 0.05, i % 7 == 0));
            }
        }
        return new PlanGraph(80, made, edges);
    }

    private static Document drawn(PlanGraph graph, String title) throws Exception {
        String document =
                PlanPicture.draw(graph, title, "summary", "what limits").document();
        assertThat(document).doesNotContain("NaN").doesNotContain("Infinity");
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(document.getBytes(StandardCharsets.UTF_8)));
    }

    private static List<Element> texts(Document document) {
        NodeList found = document.getElementsByTagName("text");
        List<Element> texts = new ArrayList<>();
        for (int i = 0; i < found.getLength(); i++) {
            texts.add((Element) found.item(i));
        }
        return texts;
    }

    @Test
    void shouldNameEveryNodeOfAClusterOf24WithoutOverlap() throws Exception {
        PlanGraph graph = graph(24, 3);
        List<Element> texts = texts(drawn(graph, "m on c"));
        for (PlanGraph.Node node : graph.nodes()) {
            assertThat(texts).anyMatch(text -> text.getTextContent().contains(node.id()));
        }
        TreeMap<Double, List<Element>> byColumn = new TreeMap<>();
        texts.stream()
                .filter(text -> Double.parseDouble(text.getAttribute("font-size")) >= 11)
                .forEach(
                        text -> byColumn.computeIfAbsent(Double.valueOf(text.getAttribute("x")), x -> new ArrayList<>())
                                .add(text));
        byColumn.values().forEach(column -> {
            column.sort(Comparator.comparingDouble(text -> Double.parseDouble(text.getAttribute("y"))));
            for (int i = 1; i < column.size(); i++) {
                double above = Double.parseDouble(column.get(i - 1).getAttribute("y"));
                double below = Double.parseDouble(column.get(i).getAttribute("y"));
                assertThat(below - above)
                        .as(
                                "%s over %s",
                                column.get(i - 1).getTextContent(),
                                column.get(i).getTextContent())
                        .isGreaterThanOrEqualTo(12);
            }
        });
    }

    @Test
    void shouldMarkTheBottleneckByMoreThanColour() throws Exception {
        List<Element> texts = texts(drawn(graph(24, 3), "m on c"));
        assertThat(texts)
                .filteredOn(text -> text.getAttribute("font-weight").equals("bold"))
                .extracting(Element::getTextContent)
                .contains("t4-2", "bottleneck");
    }

    @Test
    void shouldStayOfBoundedSizeAtAThousandNodes() throws Exception {
        PlanGraph graph = graph(1000, 8);
        Document document = drawn(graph, "m on c");
        Element svg = document.getDocumentElement();
        assertThat(Double.parseDouble(svg.getAttribute("height"))).isLessThan(6000);
        assertThat(document.getElementsByTagName("path").getLength()).isLessThanOrEqualTo(402);
        assertThat(texts(document)).hasSizeLessThan(1500);
    }

    @Test
    void shouldDrawAPlacementThatCarriesNothing() throws Exception {
        PlanGraph.Node empty = new PlanGraph.Node("a", "A100", "r", 0, 0, 0, 0, 0, false);
        assertThat(texts(drawn(new PlanGraph(80, List.of(empty), List.of()), "m on c")))
                .extracting(Element::getTextContent)
                .contains("without layers: a");
    }

    @Test
    void shouldEscapeNames() throws Exception {
        assertThat(texts(drawn(graph(2, 1), "<m> & \"c\"")))
                .extracting(Element::getTextContent)
                .contains("<m> & \"c\"");
    }
}
