#!/usr/bin/env python3
"""Prepares a check of Sluice's tokenizers against llama.cpp on the vocabularies of well-known models.

llama.cpp's sources carry vocabularies without weights (GPT-2, Llama 3, Qwen 2, StarCoder, ...); the PyPI package
llama-cpp-python carries those sources. Writes into a folder (default .sluice/checks/vocabularies, which git ignores):

    ggml-vocab-NAME.gguf   the vocabularies that are byte-level BPE and supported
    reference.json         cases[]: file, texts and the ids that llama.cpp makes of them

Run infra/checks/smollm2.py first: its Python environment is used (--venv names another one). Needs the network (PyPI) for
the sources, 77 MB, unless --source names them. Then run the check, which skips without the folder:

    SLUICE_VOCABULARIES_DIR=$PWD/.sluice/checks/vocabularies mvn -pl services/runtime test -Dtest=VocabulariesTest

Exit status 0 only when everything is there.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tarfile

import smollm2

NAMES = ["command-r", "deepseek-coder", "gpt-2", "llama-bpe", "mpt", "qwen2", "refact", "starcoder"]
PIECES = [
    " ", "  ", "\n", "\r\n", "\t", "a", "Z", "the", " and", "'s", "'LL", "'", "0", "42", "1234567", "\u0663", "\u00bd",
    "\u00e9", "e\u0301", "\u00df", "\u4e16\u754c", "\u0434\u0430", "\u0645\u0631", "\u0939\u093f\u0928\u094d", "\U0001f680",
    "\U0001f44d\U0001f3fd", "\u00a0", "\u2003", "\u3000", "\u200b", "\u2028", "\u0085", "!", "...", "_", "-", "<|", "|>",
    "/", "\\", "\ufffd", "\ufb01", "\u1e9e", "K\u212a", "\u017f", "Hello", "camelCase", "$", "+", "=", "^", "~", "`",
]
SEPARATOR = "\n__ggml_vocab_test__\n"


def sources(out, given):
    if given:
        return given
    name = smollm2.LLAMA_PACKAGE.replace("-", "_").replace("==", "-") + ".tar.gz"
    archive = os.path.join(out, name)
    if not os.path.exists(archive):
        smollm2.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                     "--no-binary", "llama-cpp-python", "--dest", out, smollm2.LLAMA_PACKAGE])
    return archive


def extract(archive, out):
    """Takes the vocabularies and llama.cpp's own test texts out of the sources."""
    texts = {}
    with tarfile.open(archive) as sources_archive:
        for member in sources_archive:
            base = os.path.basename(member.name)
            for name in NAMES:
                if base == f"ggml-vocab-{name}.gguf":
                    with open(os.path.join(out, base), "wb") as sink:
                        sink.write(sources_archive.extractfile(member).read())
                if base == f"ggml-vocab-{name}.gguf.inp":
                    texts[name] = sources_archive.extractfile(member).read().decode().split(SEPARATOR)
    return texts


def reference(out, texts):
    import llama_cpp

    source = random.Random(3)
    drawn = ["".join(source.choice(PIECES) for _ in range(source.randint(1, 24))) for _ in range(1500)]
    cases = []
    for name in NAMES:
        file = f"ggml-vocab-{name}.gguf"
        model = llama_cpp.Llama(os.path.join(out, file), vocab_only=True, verbose=False)
        tested = [text for text in smollm2.NASTY + texts.get(name, []) + drawn if text]
        ids = [model.tokenize(text.encode(), add_bos=True, special=True) for text in tested]
        cases.append({"file": file, "texts": tested, "token_ids": ids})
        smollm2.say(f"{file}: {len(tested)} texts")
    with open(os.path.join(out, "reference.json"), "w", encoding="utf-8") as sink:
        json.dump({"about": f"Made by infra/checks/vocabularies.py with llama-cpp-python {llama_cpp.__version__}.",
                   "cases": cases}, sink)


def main():
    checks = os.path.join(smollm2.REPOSITORY, ".sluice", "checks")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=os.path.join(checks, "vocabularies"), help="the folder")
    parser.add_argument("--venv", default=os.path.join(checks, "smollm2", "venv"), help="Python environment")
    parser.add_argument("--source", help="source archive of llama-cpp-python, instead of fetching it")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    out = os.path.abspath(options.out)
    os.makedirs(out, exist_ok=True)
    if not options.inside:
        python = smollm2.venv_python(os.path.abspath(options.venv))
        smollm2.run([python, os.path.abspath(__file__), "--inside", "--out", out]
                    + (["--source", os.path.abspath(options.source)] if options.source else []))
        return
    reference(out, extract(sources(out, options.source), out))
    smollm2.say(f"\nNow: SLUICE_VOCABULARIES_DIR={out} mvn -pl services/runtime test -Dtest=VocabulariesTest")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as failure:
        sys.exit(f"vocabularies.py: failed: {' '.join(map(str, failure.cmd))}")
