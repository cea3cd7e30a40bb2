#!/usr/bin/env python3
"""Checks the tokenizer of the model that ships with Sluice against Hugging Face's own `tokenizers` package.

Compares the prompt_token_ids of models/psalm/reference.json with what the package makes of the prompts, and has it encode
and decode a list of texts that tokenizers stumble over, which must come back unchanged. Needs the PyPI package
`tokenizers` (any recent version); nothing is downloaded. Exit status 0 only when all is equal.

    python3 -m venv /tmp/check && /tmp/check/bin/pip install tokenizers
    /tmp/check/bin/python infra/checks/psalm_tokenizer.py
"""

import argparse
import json
import os
import sys

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TEXTS = [
    "",
    " ",
    "\n\n\n",
    "   leading and trailing   ",
    "a  b   c    d",
    "line one\r\nline two\r\n\r\n",
    "don't can't we'll DON'T WE'LL 's't're've'm'll'd",
    "0123456789 3.14159 1,234,567.89 2026-11-21",
    "caf\u00e9 cafe\u0301 na\u00efve \u00df \u2460 \u00bd",
    "\u0417\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439 \u4f60\u597d \u0645\u0631\u062d\u0628\u0627",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd",
    "\u00a0non\u00a0breaking\u2003em\u3000wide\u200bzero\ufeffbom\u2028line\u0085next",
    "for (int i = 0; i < n; ++i) {\n\tsum += a[i];\n}\n",
    "a" * 5000,
    " " * 300 + "x",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=os.path.join(REPOSITORY, "models", "psalm"), help="the model's folder")
    options = parser.parse_args()
    try:
        from tokenizers import Tokenizer, __version__
    except ImportError:
        sys.exit("psalm_tokenizer.py: the Python package `tokenizers` is not installed: pip install tokenizers")

    tokenizer = Tokenizer.from_file(os.path.join(options.model, "tokenizer.json"))
    with open(os.path.join(options.model, "reference.json"), encoding="utf-8") as source:
        cases = json.load(source)["cases"]
    wrong = 0
    for case in cases:
        ids = tokenizer.encode(case["prompt"]).ids
        if ids != case["prompt_token_ids"]:
            wrong += 1
            print(f"prompt {case['prompt']!r}: {ids} instead of {case['prompt_token_ids']}")
    for text in TEXTS:
        back = tokenizer.decode(tokenizer.encode(text).ids)
        if back != text:
            wrong += 1
            print(f"text {text[:60]!r} comes back as {back[:60]!r}")
    print(f"{len(cases)} prompts and {len(TEXTS)} texts with tokenizers {__version__}: {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
