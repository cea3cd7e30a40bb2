package io.sluice.runtime.text;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Texts that tokenizers stumble over: the same ones, or nearly, as in infra/checks/smollm2.py, and random ones. */
final class HardTexts {
    private static final String[] PIECES = {
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        "a",
        "Z",
        "the",
        " and",
        "'s",
        "'LL",
        "'",
        "0",
        "42",
        "\u0663",
        "\u00bd",
        "\u00e9",
        "e\u0301",
        "\u00df",
        "\u4e16\u754c",
        "\u0434\u0430",
        "\u0645\u0631",
        "\ud83d\ude80",
        "\ud83d\udc4d\ud83c\udffd",
        "\u00a0",
        "\u2003",
        "\u3000",
        "\u200b",
        "\u2028",
        "\u0085",
        "\u0000",
        "!",
        "...",
        "_",
        "-",
        "<|endoftext|>",
        "<|",
        "|>",
        "/",
        "\\",
        "\ufffd",
        "\ufb01",
        "\u1e9e",
        "K\u212a",
        "\u017f"
    };

    private HardTexts() {}

    static List<String> all() {
        List<String> texts = new ArrayList<>(List.of(
                "",
                " ",
                "\n\n\n",
                "   leading and trailing   ",
                "a  b   c    d",
                "line one\r\nline two\r\n\r\n",
                "don't can't we'll DON'T WE'LL 's't're've'm'll'd",
                "0123456789 3.14159 1,234,567.89 2026-11-21",
                "caf\u00e9 cafe\u0301 na\u00efve \u00df",
                "\u0417\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439, \u043c\u0438\u0440!",
                "\u4f60\u597d\uff0c\u4e16\u754c\u3002",
                "\ud83d\ude00\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67 \ud83c\udde9\ud83c\uddea",
                "\u00a0non\u00a0breaking\u2003em\u3000wide\u200bzero\ufeffbom\u2028line\u0085next",
                "for (int i = 0; i < n; ++i) {\n\tsum += a[i];\n}\n",
                "x<|endoftext|> y <|endoftext|>z <|endoftext |>",
                "a".repeat(5000),
                " ".repeat(300) + "x",
                "=".repeat(200)));
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < 400; i++) {
            StringBuilder text = new StringBuilder();
            int length = random.nextInt(1, 25);
            for (int k = 0; k < length; k++) {
                text.append(PIECES[random.nextInt(PIECES.length)]);
            }
            texts.add(text.toString());
        }
        return texts;
    }
}
