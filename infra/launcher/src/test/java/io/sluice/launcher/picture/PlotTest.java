package io.sluice.launcher.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.Document;

class PlotTest {
    private static Document parsed(Svg svg) throws Exception {
        assertThat(svg.document()).doesNotContain("NaN").doesNotContain("Infinity");
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(svg.document().getBytes(StandardCharsets.UTF_8)));
    }

    @ParameterizedTest
    @CsvSource({"16,16", "15.999,16", "100.001,100", "0.5,0.5", "0.25,0.25", "-3,-3", "1234.5,1234.5"})
    void shouldWriteNumbersShort(double value, String text) {
        assertThat(Svg.number(value)).isEqualTo(text);
    }

    @Test
    void shouldDrawDistributionsOverTheWholeRange() throws Exception {
        double[] values = new double[5000];
        for (int i = 0; i < values.length; i++) {
            values[values.length - 1 - i] = i / 1000.0;
        }
        LinePlot.Curve curve = LinePlot.Curve.distribution("c", values);
        assertThat(curve.x()).isSorted().hasSizeLessThanOrEqualTo(300);
        assertThat(curve.y()).isSorted();
        assertThat(curve.x()[curve.x().length - 1]).isEqualTo(4.999);
        assertThat(curve.y()[curve.y().length - 1]).isEqualTo(1);
        assertThat(curve.y()[curve.y().length / 2]).isCloseTo(0.5, within(0.01));
        parsed(LinePlot.draw("t", "s", List.of(new LinePlot.Panel("p", "x", "y", false, List.of(curve)))));
    }

    @Test
    void shouldDrawWithoutAnyValue() throws Exception {
        LinePlot.Curve none = LinePlot.Curve.distribution("none", new double[0]);
        parsed(LinePlot.draw("t", "s", List.of(new LinePlot.Panel("p", "x", "y", false, List.of(none)))));
        parsed(BarPlot.draw("t", "s", List.of(new BarPlot.Group("g", List.of(new BarPlot.Bar("b", 0, "0", true))))));
    }

    @Test
    void shouldDrawPointsBelowTheAxisAndManyAtOnePlace() throws Exception {
        List<ScatterPlot.Point> points = new java.util.ArrayList<>();
        for (int i = 0; i < 30; i++) {
            points.add(new ScatterPlot.Point("point" + i, 0.4, i == 0 ? -3 : 12, i == 1));
        }
        String text = parsed(ScatterPlot.draw(
                        "t", "s", List.of(new ScatterPlot.Panel("p", "x", "y", 0.1, 0.5, 5, points, "remark"))))
                .getDocumentElement()
                .getTextContent();
        assertThat(points).allSatisfy(point -> assertThat(text).contains(point.name()));
        parsed(ScatterPlot.draw("t", "s", List.of(new ScatterPlot.Panel("p", "x", "y", 0.1, 0, 0, List.of(), ""))));
    }

    @Test
    void shouldDrawDecadesOnLogarithmicAxes() throws Exception {
        LinePlot.Curve curve = new LinePlot.Curve("c", new double[] {24, 1000}, new double[] {0.2, 15});
        Document document =
                parsed(LinePlot.draw("t", "s", List.of(new LinePlot.Panel("p", "nodes", "ms", true, List.of(curve)))));
        assertThat(document.getDocumentElement().getTextContent())
                .contains("1,000")
                .contains("0.1")
                .contains("100");
    }

    @Test
    void shouldGiveTheSameNameTheSameColour() {
        assertThat(Palette.byName(new java.util.TreeSet<>(List.of("T4", "A100"))))
                .containsEntry("A100", Palette.colour(0))
                .containsEntry("T4", Palette.colour(1));
    }
}
